//! Lists: which there are, and how they are cut into pages that link to each other.
//!
//! It knows the envelope and nothing of what stands in a record.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::options::Quirks;
use super::reply::{Form, Reply};

/// The parameters of a call; of doubled names the last one counts.
pub(super) type Query = BTreeMap<String, String>;

/// Pages have this size unless another one is asked for.
const PAGE_SIZE: usize = 100;
/// The longest page of most lists.
pub(super) const PAGE_SIZE_MAX: usize = 100;
/// The longest page of a search.
pub(super) const SEARCH_PAGE_SIZE_MAX: usize = 500;

/// A list that stands on its own: its path, its shelf and its longest page.
pub(super) const LISTS: &[(&str, &str, usize)] = &[
    ("customers", "customers", PAGE_SIZE_MAX),
    ("companies", "companies", PAGE_SIZE_MAX),
    ("conversations", "conversations", PAGE_SIZE_MAX),
    ("messages", "messages", PAGE_SIZE_MAX),
    ("notes", "notes", PAGE_SIZE_MAX),
    ("users", "users", 500),
    ("teams", "teams", 500),
    ("tags", "tags", PAGE_SIZE_MAX),
    ("shortcuts", "shortcuts", PAGE_SIZE_MAX),
    ("slas", "slas", PAGE_SIZE_MAX),
    ("routing/queues", "queues", PAGE_SIZE_MAX),
    ("brands", "brands", PAGE_SIZE_MAX),
    ("sub-statuses", "sub_statuses", PAGE_SIZE_MAX),
    ("satisfaction", "satisfaction_forms", PAGE_SIZE_MAX),
    ("klasses", "klasses", PAGE_SIZE_MAX),
    ("kb/articles", "kb_articles", 500),
    ("kb/categories", "kb_categories", 200),
    ("kb/routes", "kb_routes", PAGE_SIZE_MAX),
    ("kb/tags", "kb_tags", PAGE_SIZE_MAX),
    ("kb/forms", "kb_forms", PAGE_SIZE_MAX),
    ("kb/themes", "kb_themes", PAGE_SIZE_MAX),
    ("kb/templates", "kb_templates", PAGE_SIZE_MAX),
    ("hooks/email", "email_hooks", PAGE_SIZE_MAX),
    ("hooks/web", "web_hooks", PAGE_SIZE_MAX),
    ("customers/searches/pinned", "pinned_searches", PAGE_SIZE_MAX),
    ("customers/searches/positions", "search_positions", PAGE_SIZE_MAX),
    ("workflows", "workflows", PAGE_SIZE_MAX),
];

/// Which part of a list is asked for.
#[derive(Clone, Copy)]
pub(super) struct Cut {
    pub(super) page: usize,
    pub(super) size: usize,
}

impl Cut {
    /// Reads `page` and `pageSize`.
    pub(super) fn of(query: &Query, size_max: usize, form: Form) -> Result<Cut, Reply> {
        let number = |name: &str, default: usize| match query.get(name) {
            None => Ok(default),
            Some(text) => text
                .parse::<usize>()
                .ok()
                .filter(|number| *number > 0)
                .ok_or_else(|| Reply::bad(form, &format!("{name} is not a positive number"))),
        };
        let cut =
            Cut { page: number("page", 1)?, size: number("pageSize", PAGE_SIZE.min(size_max))? };
        if cut.size > size_max {
            return Err(Reply::bad(form, &format!("pageSize is above {size_max}")));
        }
        Ok(cut)
    }

    /// The records of the page among all.
    pub(super) fn slice<T>(self, all: &[T]) -> &[T] {
        let start = (self.page - 1).saturating_mul(self.size).min(all.len());
        &all[start..start.saturating_add(self.size).min(all.len())]
    }
}

/// The envelope around one page of a list of `total` records.
pub(super) fn page(
    (path, query): (&str, &Query),
    cut: Cut,
    total: usize,
    data: Vec<Value>,
    quirks: &Quirks,
) -> Reply {
    let pages = total.div_ceil(cut.size).max(1);
    let link = |page: usize| {
        let mut all: Vec<(&str, String)> = vec![("page", page.to_string())];
        all.push(("pageSize", cut.size.to_string()));
        let others = query.iter().filter(|(name, _)| !matches!(name.as_str(), "page" | "pageSize"));
        all.extend(others.map(|(name, value)| (name.as_str(), value.clone())));
        let text = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(all).finish();
        let origin = quirks.link_origin.as_deref().filter(|_| page > cut.page).unwrap_or_default();
        format!("{origin}/v1/{path}?{text}")
    };
    let has_next = cut.page < pages || quirks.endless_links;
    let mut meta = json!({ "pageSize": cut.size, "page": cut.page });
    if quirks.totals {
        meta["total"] = total.into();
        meta["totalPages"] = pages.into();
    }
    let body = json!({
        "meta": meta,
        "links": {
            "self": link(cut.page), "first": link(1),
            "prev": (cut.page > 1).then(|| link(cut.page - 1)),
            "next": has_next.then(|| link(cut.page + 1)), "last": link(pages),
        },
        "data": data,
    });
    Reply { status: 200, body, is_list: true }
}
