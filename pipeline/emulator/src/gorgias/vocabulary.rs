//! Owns the closed word lists of the vendor's schema: channels, vias, source types, statuses,
//! roles, languages and time zones. It must not know which field uses which list.

use std::sync::LazyLock;

/// Channel slugs that every account has; other channels are free text on create.
pub(super) const CHANNELS: &[&str] = &[
    "aircall",
    "api",
    "chat",
    "contact_form",
    "email",
    "facebook",
    "facebook-mention",
    "facebook-messenger",
    "facebook-recommendations",
    "help-center",
    "instagram-ad-comment",
    "instagram-comment",
    "instagram-direct-message",
    "instagram-mention",
    "internal-note",
    "phone",
    "sms",
    "twitter",
    "twitter-direct-message",
    "whatsapp",
    "yotpo-review",
];

/// Values of `via` that a request may send; three more only ever occur in answers.
pub(super) const VIAS: &[&str] = &[
    "aircall",
    "api",
    "chat",
    "contact_form",
    "email",
    "facebook",
    "facebook-mention",
    "facebook-messenger",
    "facebook-recommendations",
    "form",
    "helpdesk",
    "help-center",
    "instagram",
    "instagram-ad-comment",
    "instagram-comment",
    "instagram-direct-message",
    "instagram-mention",
    "internal-note",
    "phone",
    "rule",
    "shopify",
    "sms",
    "twilio",
    "twitter",
    "twitter-direct-message",
    "whatsapp",
    "yotpo",
    "yotpo-review",
    "zendesk",
];

/// Values of a message's `source.type`.
pub(super) const SOURCES: &[&str] = &[
    "aircall",
    "api",
    "app",
    "custom-chat",
    "chat",
    "chat-contact-form",
    "chat-offline-capture",
    "contact-form",
    "email",
    "facebook",
    "facebook-comment",
    "facebook-mention-comment",
    "facebook-mention-post",
    "facebook-message",
    "facebook-messenger",
    "facebook-post",
    "facebook-review",
    "facebook-review-comment",
    "form",
    "google-business-messages",
    "help-center",
    "help-center-contact-form",
    "helpdesk",
    "instagram",
    "instagram-ad-comment",
    "instagram-ad-media",
    "instagram-comment",
    "instagram-direct-message",
    "instagram-media",
    "instagram-mention-comment",
    "instagram-mention-media",
    "internal-note",
    "ottspott-call",
    "phone",
    "rule",
    "self_service",
    "shopify",
    "sms",
    "system-message",
    "tiktok-shop",
    "twilio",
    "twitter-direct-message",
    "twitter-mention-tweet",
    "twitter-quoted-tweet",
    "twitter-tweet",
    "whatsapp-message",
    "yotpo-review",
    "yotpo-review-private-comment",
    "yotpo-review-public-comment",
];

/// Ticket states; there is no third one.
pub(super) const STATUSES: &[&str] = &["open", "closed"];
/// Ticket priorities.
pub(super) const PRIORITIES: &[&str] = &["critical", "high", "normal", "low"];
/// Roles a request may give to a user.
pub(super) const ROLES: &[&str] =
    &["admin", "agent", "basic-agent", "lite-agent", "observer-agent"];
/// Interface languages of a user.
pub(super) const USER_LANGUAGES: &[&str] = &["fr", "en"];
/// Kinds of object a custom field can belong to.
pub(super) const FIELD_OBJECTS: &[&str] = &["Ticket", "Customer"];
/// Value types of a custom field.
pub(super) const DATA_TYPES: &[&str] = &["text", "number", "boolean"];
/// Input widgets of a custom field.
pub(super) const INPUT_TYPES: &[&str] = &["input", "dropdown", "input_number"];
/// Who may see a custom field.
pub(super) const REQUIREMENTS: &[&str] = &["visible", "required", "conditional"];
/// Custom fields with a meaning of their own.
pub(super) const MANAGED: &[&str] = &[
    "contact_reason",
    "product",
    "resolution",
    "ai_intent",
    "ai_outcome",
    "ai_sales",
    "ai_discount",
    "ai_journey",
    "managed_sentiment",
    "call_status",
    "customer_type",
];
/// What an upload is for.
pub(super) const UPLOADS: &[&str] =
    &["attachment", "public_attachment", "profile_picture", "widget_picture"];
/// Kinds of job.
pub(super) const JOBS: &[&str] = &[
    "applyMacro",
    "deleteTicket",
    "exportTicket",
    "importMacro",
    "exportMacro",
    "updateTicket",
    "exportTicketDrilldown",
    "exportConvertCampaignSalesDrilldown",
];
/// States of a job.
pub(super) const JOB_STATES: &[&str] = &[
    "pending",
    "scheduled",
    "running",
    "done",
    "cancel_requested",
    "canceled",
    "errored",
    "fatal_errored",
];
/// What a rule can react to.
pub(super) const RULE_EVENTS: &[&str] = &[
    "ticket-created",
    "ticket-updated",
    "ticket-message-created",
    "ticket-assigned",
    "ticket-self-unsnoozed",
    "satisfaction-survey-responded",
];

/// ISO 639-1, two letters each.
const LANGUAGES: &str = "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce \
    ch co cr cs cu cv cy da de dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv \
    ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr \
    ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn \
    no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so \
    sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh \
    yi yo za zh zu";

/// The names of the time zone database, one to a line.
static ZONES: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| include_str!("zones.txt").lines().collect());

/// Is this an ISO 639-1 code, in lower case?
pub(super) fn is_language(code: &str) -> bool {
    code.len() == 2 && LANGUAGES.split_ascii_whitespace().any(|known| known == code)
}

/// Is this a name of the time zone database, spelled as there?
pub(super) fn is_zone(name: &str) -> bool {
    ZONES.binary_search(&name).is_ok()
}

/// The list's own copy of a word, so that a record need not keep one.
pub(super) fn known(list: &'static [&'static str], word: &str) -> Option<&'static str> {
    list.iter().copied().find(|known| *known == word)
}

#[cfg(test)]
mod tests {
    use super::{is_language, is_zone};

    #[test]
    fn languages_and_zones_are_closed_lists() {
        assert!(is_language("de") && is_language("pt"));
        assert!(!is_language("DE") && !is_language("deu") && !is_language("xx"));
        assert!(is_zone("Europe/Berlin") && is_zone("UTC"));
        assert!(!is_zone("Europe/Atlantis") && !is_zone("CEST") && !is_zone(""));
    }
}
