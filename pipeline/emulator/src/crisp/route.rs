//! Paths: which route a path names, what it is called in the counts and which scope it needs.
//!
//! It knows the shape of the API's addresses and nothing of what they answer.

/// One route with its path values, decoded.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Route<'a> {
    PluginAccount,
    PluginWebsites(&'a str),
    Website,
    Settings,
    Conversations(&'a str),
    Conversation(&'a str),
    ConversationPart(&'a str, Part),
    ConversationList(&'a str, &'a str),
    Relations(&'a str),
    Files(&'a str, &'a str),
    Messages(&'a str),
    Message(&'a str, &'a str),
    Original(&'a str, &'a str),
    SuggestSegments(&'a str),
    SuggestData(&'a str),
    PeopleStats,
    Profiles(&'a str),
    Profile(&'a str),
    PersonData(&'a str),
    PersonEvents(&'a str, &'a str),
    PersonCampaigns(&'a str, &'a str),
    PersonConversations(&'a str, &'a str),
    Subscription(&'a str),
    PeopleSuggestSegments(&'a str),
    PeopleSuggestData(&'a str),
    PeopleSuggestEvents(&'a str),
    Operators,
    OperatorsActive,
    Operator(&'a str),
    Inboxes(&'a str),
    Teams(&'a str),
    EmptyList(&'a str),
    Campaigns(&'a str),
    Blocked,
    Spams(&'a str),
    Spam(&'a str),
    Helpdesk(Helpdesk<'a>),
    /// Where conversations are made.
    NewConversation,
    /// Where messages of a conversation are made.
    NewMessage(&'a str),
    /// A mark on the messages of a conversation.
    Mark(&'a str),
    /// Something of a conversation that makes the service act towards people.
    SideEffect(&'a str),
    /// Where profiles are made.
    NewProfile,
    /// A route that only takes writes.
    WriteOnly,
}

impl Route<'_> {
    /// Whether there is nothing to read at this address.
    pub(crate) fn is_write_only(self) -> bool {
        matches!(
            self,
            Route::NewConversation
                | Route::NewMessage(_)
                | Route::Mark(_)
                | Route::SideEffect(_)
                | Route::NewProfile
                | Route::WriteOnly
                | Route::Helpdesk(
                    Helpdesk::NewLocale
                        | Helpdesk::Legacy(
                            _,
                            Legacy::NewCategory
                                | Legacy::NewSection(_)
                                | Legacy::NewArticle
                                | Legacy::Publish(_)
                                | Legacy::Unpublish(_)
                        )
                        | Helpdesk::New(_, _, New::Refresh)
                )
        )
    }
}

/// Objects of a conversation that have an address of their own.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part {
    Meta,
    State,
    Routing,
    Participants,
    Block,
    Verify,
}

/// Routes of the knowledge base; the first three belong to both generations.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Helpdesk<'a> {
    Root,
    Locales(&'a str),
    Redirections(&'a str),
    /// Where languages are added.
    NewLocale,
    /// The older generation, below a locale.
    Legacy(&'a str, Legacy<'a>),
    /// The newer generation, below a locale and a content type.
    New(&'a str, &'a str, New<'a>),
}

/// What the older generation has below a locale.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Legacy<'a> {
    Categories(&'a str),
    Sections(&'a str, &'a str),
    Articles(&'a str),
    Article(&'a str),
    ArticleCategory(&'a str),
    Category(&'a str),
    Section(&'a str, &'a str),
    NewCategory,
    NewSection(&'a str),
    NewArticle,
    Publish(&'a str),
    Unpublish(&'a str),
}

/// What the newer generation has below a locale and a content type.
#[derive(Clone, Copy, Debug)]
pub(crate) enum New<'a> {
    Tree(&'a str),
    Pages(&'a str),
    Content(&'a str),
    Metadata(&'a str),
    Page(&'a str),
    /// A node of the tree itself.
    Path(&'a str),
    /// Lets readers see what was written.
    Refresh,
}

/// A path that was recognised.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matched<'a> {
    pub(crate) route: Route<'a>,
    /// Name in the counts.
    pub(crate) family: &'static str,
    /// Scope a production token needs; `None` where the public tables do not say.
    pub(crate) scope: Option<&'static str>,
    /// The workspace in the path, if the route belongs to one.
    pub(crate) website_id: Option<&'a str>,
}

const SESSIONS: Option<&str> = Some("website:conversation:sessions");
const MESSAGES: Option<&str> = Some("website:conversation:messages");
const PROFILES: Option<&str> = Some("website:people:profiles");
const OPERATORS: Option<&str> = Some("website:operators");

/// The route of a path below the API's root, or nothing.
pub(crate) fn resolve<'a>(path: &[&'a str]) -> Option<Matched<'a>> {
    let (route, family, scope, website_id) = match *path {
        ["plugin", "connect", "account"] => {
            (Route::PluginAccount, "plugin/connect/account", None, None)
        }
        ["plugin", "connect", "websites", "all", page] => {
            (Route::PluginWebsites(page), "plugin/connect/websites/all/{page}", None, None)
        }
        ["website", website_id, ref rest @ ..] => {
            let (route, family, scope) = below_website(rest)?;
            (route, family, scope, Some(website_id))
        }
        _ => return None,
    };
    Some(Matched { route, family, scope, website_id })
}

type Entry<'a> = (Route<'a>, &'static str, Option<&'static str>);

fn below_website<'a>(path: &[&'a str]) -> Option<Entry<'a>> {
    match *path {
        [] => Some((Route::Website, "website", None)),
        ["settings"] => Some((Route::Settings, "settings", Some("website:settings"))),
        ["conversation"] => {
            Some((Route::NewConversation, "conversation", Some("website:conversation:initiate")))
        }
        ["conversation", session, ref rest @ ..] => below_conversation(session, rest),
        ["conversations", ref rest @ ..] => below_conversations(rest),
        ["people", ref rest @ ..] => below_people(rest),
        ["operators", "list"] => Some((Route::Operators, "operators/list", OPERATORS)),
        ["operators", "active"] => Some((Route::OperatorsActive, "operators/active", OPERATORS)),
        ["operator"] => Some((Route::WriteOnly, "operator", OPERATORS)),
        ["operator", user] => Some((Route::Operator(user), "operator/{user_id}", OPERATORS)),
        ["inboxes", "list", page] => Some((Route::Inboxes(page), "inboxes/list/{page}", None)),
        ["teams", "list", page] => Some((Route::Teams(page), "teams/list/{page}", None)),
        ["campaigns", "list", page] => {
            Some((Route::Campaigns(page), "campaigns/list/{page}", None))
        }
        ["visitors", "blocked"] => {
            Some((Route::Blocked, "visitors/blocked", Some("website:visitors")))
        }
        ["visitors", "list", page] => {
            Some((Route::EmptyList(page), "visitors/list/{page}", Some("website:visitors")))
        }
        ["batch", _] => Some((Route::WriteOnly, "batch/{action}", None)),
        ["helpdesk", ref rest @ ..] => {
            let (route, family) = below_helpdesk(rest)?;
            Some((Route::Helpdesk(route), family, None))
        }
        _ => None,
    }
}

fn below_helpdesk<'a>(path: &[&'a str]) -> Option<(Helpdesk<'a>, &'static str)> {
    Some(match *path {
        [] => (Helpdesk::Root, "helpdesk"),
        ["locales", page] => (Helpdesk::Locales(page), "helpdesk/locales/{page}"),
        ["redirections", page] => (Helpdesk::Redirections(page), "helpdesk/redirections/{page}"),
        ["locale"] => (Helpdesk::NewLocale, "helpdesk/locale"),
        ["refresh", locale, kind] => {
            (Helpdesk::New(locale, kind, New::Refresh), "helpdesk/refresh/{locale}/{type}")
        }
        ["locale", locale, ref rest @ ..] => {
            let (part, family) = below_locale(rest)?;
            (Helpdesk::Legacy(locale, part), family)
        }
        ["page", "list", locale, kind, page] => (
            Helpdesk::New(locale, kind, New::Pages(page)),
            "helpdesk/page/list/{locale}/{type}/{page}",
        ),
        ["tree", part, locale, kind, last] => {
            let (part, family) = match part {
                "list" => (New::Tree(last), "helpdesk/tree/list/{locale}/{type}/{page}"),
                "content" => (New::Content(last), "helpdesk/tree/content/{locale}/{type}/{path}"),
                "metadata" => {
                    (New::Metadata(last), "helpdesk/tree/metadata/{locale}/{type}/{path}")
                }
                "page" => (New::Page(last), "helpdesk/tree/page/{locale}/{type}/{path}"),
                "path" => (New::Path(last), "helpdesk/tree/path/{locale}/{type}/{path}"),
                _ => return None,
            };
            (Helpdesk::New(locale, kind, part), family)
        }
        _ => return None,
    })
}

fn below_locale<'a>(path: &[&'a str]) -> Option<(Legacy<'a>, &'static str)> {
    Some(match *path {
        ["categories", page] => {
            (Legacy::Categories(page), "helpdesk/locale/{locale}/categories/{page}")
        }
        ["category", id, "sections", page] => (
            Legacy::Sections(id, page),
            "helpdesk/locale/{locale}/category/{category_id}/sections/{page}",
        ),
        ["articles", page] => (Legacy::Articles(page), "helpdesk/locale/{locale}/articles/{page}"),
        ["article", id] => (Legacy::Article(id), "helpdesk/locale/{locale}/article/{article_id}"),
        ["article", id, "category"] => {
            (Legacy::ArticleCategory(id), "helpdesk/locale/{locale}/article/{article_id}/category")
        }
        ["article"] => (Legacy::NewArticle, "helpdesk/locale/{locale}/article"),
        ["article", id, "publish"] => {
            (Legacy::Publish(id), "helpdesk/locale/{locale}/article/{article_id}/publish")
        }
        ["article", id, "unpublish"] => {
            (Legacy::Unpublish(id), "helpdesk/locale/{locale}/article/{article_id}/unpublish")
        }
        ["category"] => (Legacy::NewCategory, "helpdesk/locale/{locale}/category"),
        ["category", id] => {
            (Legacy::Category(id), "helpdesk/locale/{locale}/category/{category_id}")
        }
        ["category", id, "section"] => {
            (Legacy::NewSection(id), "helpdesk/locale/{locale}/category/{category_id}/section")
        }
        ["category", id, "section", section] => (
            Legacy::Section(id, section),
            "helpdesk/locale/{locale}/category/{category_id}/section/{section_id}",
        ),
        _ => return None,
    })
}

fn below_conversations<'a>(path: &[&'a str]) -> Option<Entry<'a>> {
    const SUGGEST: Option<&str> = Some("website:conversation:suggest");
    Some(match *path {
        [page] => (Route::Conversations(page), "conversations/{page}", SESSIONS),
        ["suggest", "segments", page] => {
            (Route::SuggestSegments(page), "conversations/suggest/segments/{page}", SUGGEST)
        }
        ["suggest", "data", page] => {
            (Route::SuggestData(page), "conversations/suggest/data/{page}", SUGGEST)
        }
        ["spams", page] => (Route::Spams(page), "conversations/spams/{page}", None),
        ["spam", spam, "content"] => {
            (Route::Spam(spam), "conversations/spam/{spam_id}/content", None)
        }
        _ => return None,
    })
}

fn below_conversation<'a>(session: &'a str, path: &[&'a str]) -> Option<Entry<'a>> {
    const STATES: Option<&str> = Some("website:conversation:states");
    const ROUTING: Option<&str> = Some("website:conversation:routing");
    const PARTICIPANTS: Option<&str> = Some("website:conversation:participants");
    const ACTIONS: Option<&str> = Some("website:conversation:actions");
    let part = |part| Route::ConversationPart(session, part);
    Some(match *path {
        [] => (Route::Conversation(session), "conversation/{session_id}", SESSIONS),
        ["meta"] => (part(Part::Meta), "conversation/{session_id}/meta", SESSIONS),
        ["state"] => (part(Part::State), "conversation/{session_id}/state", STATES),
        ["routing"] => (part(Part::Routing), "conversation/{session_id}/routing", ROUTING),
        ["participants"] => {
            (part(Part::Participants), "conversation/{session_id}/participants", PARTICIPANTS)
        }
        ["block"] => (part(Part::Block), "conversation/{session_id}/block", ACTIONS),
        ["verify"] => (part(Part::Verify), "conversation/{session_id}/verify", ACTIONS),
        ["messages"] => (Route::Messages(session), "conversation/{session_id}/messages", MESSAGES),
        ["message", fingerprint] => (
            Route::Message(session, fingerprint),
            "conversation/{session_id}/message/{fingerprint}",
            MESSAGES,
        ),
        ["original", original] => (
            Route::Original(session, original),
            "conversation/{session_id}/original/{original_id}",
            None,
        ),
        ["pages", page] => (
            Route::ConversationList(session, page),
            "conversation/{session_id}/pages/{page}",
            Some("website:conversation:pages"),
        ),
        ["events", page] => (
            Route::ConversationList(session, page),
            "conversation/{session_id}/events/{page}",
            Some("website:conversation:events"),
        ),
        ["files", page] => {
            (Route::Files(session, page), "conversation/{session_id}/files/{page}", None)
        }
        ["relations"] => (Route::Relations(session), "conversation/{session_id}/relations", None),
        ["message"] => (Route::NewMessage(session), "conversation/{session_id}/message", MESSAGES),
        ["read"] => (Route::Mark(session), "conversation/{session_id}/read", MESSAGES),
        ["compose" | "transcript" | "purge" | "feedback" | "reminder" | "report"] => {
            (Route::SideEffect(session), "conversation/{session_id}/{action}", None)
        }
        ["initiate" | "inbox" | "unread" | "delivered" | "open" | "tool"]
        | ["verify", "identity", ..] => {
            (Route::WriteOnly, "conversation/{session_id}/{action}", None)
        }
        _ => return None,
    })
}

fn below_people<'a>(path: &[&'a str]) -> Option<Entry<'a>> {
    const DATA: Option<&str> = Some("website:people:data");
    const SUBSCRIPTIONS: Option<&str> = Some("website:people:subscriptions");
    Some(match *path {
        ["stats"] => (Route::PeopleStats, "people/stats", PROFILES),
        ["profiles"] => (Route::Profiles("1"), "people/profiles/{page}", PROFILES),
        ["profiles", page] => (Route::Profiles(page), "people/profiles/{page}", PROFILES),
        ["profile"] => (Route::NewProfile, "people/profile", PROFILES),
        ["profile", person] => (Route::Profile(person), "people/profile/{people_id}", PROFILES),
        ["data", person] => (Route::PersonData(person), "people/data/{people_id}", DATA),
        ["events", _] => (Route::WriteOnly, "people/events/{people_id}", None),
        ["events", person, "list", page] => {
            (Route::PersonEvents(person, page), "people/events/{people_id}/list/{page}", None)
        }
        ["campaigns", person, "list", page] => {
            (Route::PersonCampaigns(person, page), "people/campaigns/{people_id}/list/{page}", None)
        }
        ["conversations", person, "list", page] => (
            Route::PersonConversations(person, page),
            "people/conversations/{people_id}/list/{page}",
            PROFILES,
        ),
        ["subscription", person] => {
            (Route::Subscription(person), "people/subscription/{people_id}", SUBSCRIPTIONS)
        }
        ["suggest", "segments", page] => {
            (Route::PeopleSuggestSegments(page), "people/suggest/segments/{page}", PROFILES)
        }
        ["suggest", "data", page] => {
            (Route::PeopleSuggestData(page), "people/suggest/data/{page}", DATA)
        }
        ["suggest", "events", page] => {
            (Route::PeopleSuggestEvents(page), "people/suggest/events/{page}", PROFILES)
        }
        ["export" | "import", "profiles"] => (Route::WriteOnly, "people/{action}/profiles", None),
        _ => return None,
    })
}
