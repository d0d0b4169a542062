//! Answers about conversations: the list with its filters and orders, one item and its parts.
//!
//! It must not know how records are stored or which faults are in force.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde_json::Value;

use super::desk::{Answer, Desk, Paging, cut};
use super::options::ListOrder;
use super::raw;
use super::reply::Reply;
use super::route::Part;
use super::search::Search;
use super::store::Conversation;

/// Fields that a production token without the scope does not see.
const SCOPED_FIELDS: [(&str, &str); 8] = [
    ("last_message", "website:conversation:messages"),
    ("mentions", "website:conversation:messages"),
    ("unread", "website:conversation:messages"),
    ("state", "website:conversation:states"),
    ("status", "website:conversation:states"),
    ("participants", "website:conversation:participants"),
    ("assigned", "website:conversation:routing"),
    ("people_id", "website:people:profiles"),
];

impl Desk<'_> {
    pub(crate) fn conversations(&self, page: &str) -> Answer {
        let paging = Paging::of(page, &self.query, self.quirks)?;
        let filter = Filter::of(self)?;
        let positions = self.ordered();
        let window = paging.window(self.quirks.short_pages);
        let mut rows = Vec::with_capacity(paging.per_page);
        let total = if filter.is_open() {
            for position in &positions[cut(&window, positions.len())] {
                rows.push(self.conversation_row(self.store.conversation(*position)));
            }
            positions.len()
        } else {
            let mut rank = 0;
            for position in positions.iter() {
                let conversation = self.store.conversation(*position);
                if !filter.passes(self, conversation) {
                    continue;
                }
                if window.contains(&rank) {
                    rows.push(self.conversation_row(conversation));
                }
                rank += 1;
                if rank > window.end {
                    break;
                }
            }
            rank
        };
        self.listed(&paging, total, &rows)
    }

    pub(crate) fn conversation(&self, session_id: &str) -> Answer {
        Ok(Reply::resolved(&self.conversation_row(self.known(session_id)?)))
    }

    pub(crate) fn conversation_part(&self, session_id: &str, part: Part) -> Answer {
        let text = self.store.conversation_text(self.known(session_id)?);
        let value =
            |name, default: &'static str| raw::field(&text, name).unwrap_or(default).to_owned();
        let data = match part {
            Part::Meta => value("meta", "{}"),
            Part::State => format!("{{\"state\":{}}}", value("state", "\"pending\"")),
            Part::Routing => format!("{{\"assigned\":{}}}", value("assigned", "null")),
            Part::Participants => format!("{{\"participants\":{}}}", value("participants", "[]")),
            Part::Block => format!("{{\"blocked\":{}}}", value("is_blocked", "false")),
            Part::Verify => format!(
                "{{\"verified\":{},\"verifications\":{}}}",
                value("is_verified", "false"),
                value("verifications", "[]")
            ),
        };
        Ok(Reply::resolved(&data))
    }

    pub(crate) fn suggest_segments(&self, page: &str) -> Answer {
        let mut counts = BTreeMap::new();
        for position in &self.store.by_created.all {
            let text = self.store.conversation_text(self.store.conversation(*position));
            count_entries(&mut counts, raw::path(&text, &["meta", "segments"]));
        }
        self.page_of(page, &suggestions("segment", counts))
    }

    pub(crate) fn suggest_data(&self, page: &str) -> Answer {
        let mut counts = BTreeMap::new();
        for position in &self.store.by_created.all {
            let text = self.store.conversation_text(self.store.conversation(*position));
            count_entries(&mut counts, raw::path(&text, &["meta", "data"]));
        }
        self.page_of(page, &suggestions("key", counts))
    }

    /// Mails in quarantine, which no conversation list shows. The list leaves the content out.
    pub(crate) fn spams(&self, page: &str) -> Answer {
        let rows = self.store.list("spams").iter();
        let rows: Vec<String> = rows.map(|row| raw::without_field(row, "content")).collect();
        self.page_of(page, &rows)
    }

    pub(crate) fn spam(&self, spam_id: &str) -> Answer {
        let is_it = |row: &&String| {
            raw::field(row, "spam_id").and_then(raw::text_of).as_deref() == Some(spam_id)
        };
        let row = self.store.list("spams").iter().find(is_it);
        Ok(Reply::resolved(row.ok_or_else(|| Reply::missing("spam"))?))
    }

    /// The conversation, or the 404 that says it is not there.
    pub(crate) fn known(&self, session_id: &str) -> Result<&Conversation, Reply> {
        let position = self.store.position(session_id);
        let position = position.ok_or_else(|| Reply::missing("session"))?;
        Ok(self.store.conversation(position))
    }

    /// Positions in the order asked for, newest first. Those that wait for nobody come last when
    /// the waiting time orders.
    fn ordered(&self) -> Cow<'_, [u32]> {
        let by_default = self.quirks.default_order == ListOrder::Created;
        let created = self.query.is_on("order_date_created")
            || (by_default && !self.query.is_on("order_date_updated"));
        let order = if created { &self.store.by_created } else { &self.store.by_updated };
        let list = if self.query.is_on("include_empty") { &order.all } else { &order.started };
        if !self.query.is_on("order_date_waiting") {
            return Cow::Borrowed(list);
        }
        let mut waiting = list.clone();
        waiting
            .sort_by_key(|position| Reverse(self.store.conversation(*position).keys.waiting_since));
        Cow::Owned(waiting)
    }

    fn conversation_row(&self, conversation: &Conversation) -> String {
        let mut text = self.store.conversation_text(conversation);
        if self.scopes.is_some() {
            for (name, scope) in SCOPED_FIELDS {
                if !self.may(scope) {
                    text = raw::without_field(&text, name);
                }
            }
        }
        self.dressed(text)
    }
}

/// Counts the entries of an array of texts, or the keys of an object.
pub(crate) fn count_entries(counts: &mut BTreeMap<String, u64>, value: Option<&str>) {
    let names: Vec<String> = match value.and_then(|text| serde_json::from_str(text).ok()) {
        Some(Value::Array(entries)) => {
            entries.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        }
        Some(Value::Object(fields)) => fields.into_iter().map(|(name, _)| name).collect(),
        _ => Vec::new(),
    };
    for name in names {
        *counts.entry(name).or_insert(0) += 1;
    }
}

/// Rows of a census, the most frequent first.
pub(crate) fn suggestions(name: &str, counts: BTreeMap<String, u64>) -> Vec<String> {
    let mut rows: Vec<(String, u64)> = counts.into_iter().collect();
    rows.sort_by_key(|(_, count)| Reverse(*count));
    let row = |(value, count)| serde_json::json!({ name: value, "count": count }).to_string();
    rows.into_iter().map(row).collect()
}

/// The filters of one list call.
struct Filter<'a> {
    inbox_id: Option<&'a str>,
    assigned: Option<&'a str>,
    unassigned: bool,
    unread: bool,
    resolved: bool,
    not_resolved: bool,
    mention: bool,
    start_ms: Option<i64>,
    end_ms: Option<i64>,
    search: Option<Search>,
}

impl<'a> Filter<'a> {
    fn of(desk: &'a Desk<'_>) -> Result<Filter<'a>, Reply> {
        let query = &desk.query;
        Ok(Filter {
            inbox_id: query.get("filter_inbox_id"),
            assigned: query.get("filter_assigned"),
            unassigned: query.is_on("filter_unassigned"),
            unread: query.is_on("filter_unread"),
            resolved: query.is_on("filter_resolved"),
            not_resolved: query.is_on("filter_not_resolved"),
            mention: query.is_on("filter_mention"),
            start_ms: query.date_ms("filter_date_start")?,
            end_ms: query.date_ms("filter_date_end")?,
            search: Search::of_conversations(query)?,
        })
    }

    fn is_open(&self) -> bool {
        let flags = [self.unassigned, self.unread, self.resolved, self.not_resolved, self.mention];
        let dates = self.start_ms.or(self.end_ms);
        !flags.contains(&true)
            && self.inbox_id.or(self.assigned).is_none()
            && dates.is_none()
            && self.search.is_none()
    }

    fn passes(&self, desk: &Desk<'_>, conversation: &Conversation) -> bool {
        let keys = &conversation.keys;
        let assigned = keys.assigned.as_ref().and_then(|assigned| assigned.user_id.as_deref());
        let is_resolved = keys.state.as_deref() == Some("resolved");
        let is_unread = keys.unread.as_ref().is_some_and(|unread| unread.operator > 0);
        let has_mention = keys.mentions.as_ref().is_some_and(|mentions| !mentions.is_empty());
        let plain = self.inbox_id.is_none_or(|inbox_id| keys.inbox_id.as_deref() == Some(inbox_id))
            && self.assigned.is_none_or(|user_id| assigned == Some(user_id))
            && (!self.unassigned || assigned.is_none())
            && (!self.unread || is_unread)
            && (!self.resolved || is_resolved)
            && (!self.not_resolved || !is_resolved)
            && (!self.mention || has_mention)
            && self.start_ms.is_none_or(|start| keys.updated_at >= start)
            && self.end_ms.is_none_or(|end| keys.updated_at <= end);
        plain
            && self.search.as_ref().is_none_or(|search| {
                search.passes(&desk.store.conversation_text(conversation), "meta.segments")
            })
    }
}
