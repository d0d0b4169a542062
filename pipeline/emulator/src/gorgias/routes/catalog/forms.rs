//! Owns the bodies that small records take and what a new one looks like before its body is laid
//! over it. It must not know the endpoints.

use serde_json::json;

use super::super::super::instant::Instant;
use super::super::super::shape::{Field, Kind, Shape, may, must, or_null};
use super::super::super::store::rows::{Kind as RowKind, Row, object};
use super::super::super::vocabulary::{
    DATA_TYPES, FIELD_OBJECTS, INPUT_TYPES, MANAGED, REQUIREMENTS,
};

/// What one kind of small record takes.
pub(super) struct Form {
    /// Its name in messages.
    pub noun: &'static str,
    /// Body of a create.
    pub create: Shape,
    /// Body of an update.
    pub update: Shape,
    /// A record before its body.
    pub blank: fn(Instant) -> Row,
    /// The event of its creation, and what the event calls its object.
    pub events: Option<(&'static str, &'static str)>,
}

const ID: Kind = Kind::Int(1, i64::MAX);
const TEXT: Kind = Kind::Text(0, 65_535);
const TEXTS: Kind = Kind::List(&Kind::Text(0, 1_024), 0, 10_000);

const COLOR: &[Field] = &[or_null("color", Kind::Text(0, 32))];
const TAG_NEW: &[Field] = &[must("name", Kind::Text(1, 256))];
const TAG_SET: &[Field] = &[may("name", Kind::Text(1, 256))];
const TAG: &[Field] =
    &[or_null("description", Kind::Text(0, 1_024)), or_null("decoration", Kind::Object(&[COLOR]))];

const MEMBER: &[Field] = &[
    must("id", ID),
    or_null("name", TEXT),
    or_null("email", Kind::Email),
    or_null("meta", Kind::Map),
];
const TEAM_NEW: &[Field] = &[must("name", Kind::Text(1, 1_024))];
const TEAM_SET: &[Field] = &[may("name", Kind::Text(1, 1_024))];
const TEAM: &[Field] = &[
    or_null("description", TEXT),
    or_null("decoration", Kind::Map),
    may("members", Kind::List(&Kind::Object(&[MEMBER]), 0, 1_000)),
];

const INPUT: &[Field] = &[
    must("input_type", Kind::OneOf(INPUT_TYPES)),
    or_null("placeholder", TEXT),
    may("choices", Kind::List(&Kind::Any, 0, 10_000)),
    or_null("default", Kind::Any),
    or_null("min", Kind::Number),
    or_null("max", Kind::Number),
];
const DEFINITION: &[Field] =
    &[must("data_type", Kind::OneOf(DATA_TYPES)), must("input_settings", Kind::Object(&[INPUT]))];
const FIELD_NEW: &[Field] = &[
    must("object_type", Kind::OneOf(FIELD_OBJECTS)),
    must("label", Kind::Text(1, 255)),
    must("definition", Kind::Object(&[DEFINITION])),
];
const FIELD_SET: &[Field] = &[
    may("object_type", Kind::OneOf(FIELD_OBJECTS)),
    may("label", Kind::Text(1, 255)),
    may("definition", Kind::Object(&[DEFINITION])),
    may("requirement_type", Kind::OneOf(REQUIREMENTS)),
];
const FIELD: &[Field] = &[
    or_null("external_id", Kind::Text(0, 255)),
    or_null("description", Kind::Text(0, 1_024)),
    may("priority", Kind::Int(0, 5_000)),
    may("required", Kind::Bool),
    or_null("managed_type", Kind::OneOf(MANAGED)),
    or_null("deactivated_datetime", Kind::Time),
];
const FIELD_ID: &[Field] = &[must("id", ID)];

const RULE_NEW: &[Field] = &[must("name", Kind::Text(1, 1_024)), must("code", TEXT)];
const RULE_SET: &[Field] = &[may("name", Kind::Text(1, 1_024)), may("code", TEXT)];
const RULE: &[Field] = &[
    or_null("description", TEXT),
    or_null("code_ast", Kind::Map),
    may("event_types", Kind::Text(0, 1_024)),
    may("priority", Kind::Int(0, i64::MAX)),
    or_null("deactivated_datetime", Kind::Time),
];

const MACRO_NEW: &[Field] = &[must("name", Kind::Text(1, 1_024))];
const MACRO_SET: &[Field] = &[may("name", Kind::Text(1, 1_024))];
const MACRO_ACTION: &[Field] = &[
    must("name", Kind::Text(1, 255)),
    must("title", TEXT),
    must("arguments", Kind::Map),
    may("type", Kind::Text(1, 255)),
    or_null("description", TEXT),
];
const MACRO: &[Field] = &[
    may("actions", Kind::List(&Kind::Object(&[MACRO_ACTION]), 0, 1_000)),
    or_null("external_id", Kind::Text(0, 255)),
    or_null("intent", Kind::Text(1, 255)),
    or_null("language", Kind::Language),
];

const INTEGRATION_NEW: &[Field] = &[
    must("type", Kind::OneOf(&["http"])),
    must("name", Kind::Text(1, 1_024)),
    must("http", Kind::Map),
];
const INTEGRATION_SET: &[Field] = &[may("name", Kind::Text(1, 1_024)), may("http", Kind::Map)];
const INTEGRATION: &[Field] = &[
    or_null("description", TEXT),
    or_null("deactivated_datetime", Kind::Time),
    or_null("business_hours_id", ID),
];

const VIEW_NEW: &[Field] = &[must("slug", Kind::Text(1, 255))];
const VIEW_SET: &[Field] = &[may("slug", Kind::Text(1, 255))];
const VIEW: &[Field] = &[
    or_null("name", TEXT),
    may("type", Kind::OneOf(&["ticket-list", "customer-list"])),
    or_null("category", Kind::OneOf(&["user", "ticket-trash", "ticket-spam"])),
    may("visibility", Kind::OneOf(&["public", "shared", "private"])),
    or_null("filters", TEXT),
    or_null("search", TEXT),
    or_null("decoration", Kind::Map),
    may("fields", TEXTS),
    may("order_by", Kind::OneOf(&["created_datetime", "updated_datetime"])),
    may("order_dir", Kind::OneOf(&["asc", "desc"])),
    may("display_order", Kind::Int(0, i64::MAX)),
    may("shared_with_users", Kind::List(&ID, 0, 100)),
    may("shared_with_teams", Kind::List(&ID, 0, 100)),
    or_null("deactivated_datetime", Kind::Time),
];

const SURVEY: &[Field] = &[
    must("customer_id", ID),
    must("ticket_id", ID),
    or_null("score", Kind::Int(1, 5)),
    or_null("body_text", Kind::Text(0, 1_000)),
    or_null("scored_datetime", Kind::Time),
    or_null("sent_datetime", Kind::Time),
    or_null("should_send_datetime", Kind::Time),
    may("created_datetime", Kind::Time),
    or_null("meta", Kind::Map),
];

/// Body of a bulk delete.
pub(super) const IDS: &[Field] = &[must("ids", Kind::List(&ID, 1, 1_000))];
/// Body that archives macros.
pub(super) const MACRO_IDS: &[Field] = &[must("ids", Kind::List(&ID, 1, 30))];
/// Body of a tag merge.
pub(super) const SOURCE_TAGS: &[Field] = &[must("source_tags_ids", Kind::List(&ID, 1, 1_000))];
/// Body of a bulk update of custom fields.
pub(super) const FIELDS: Kind = Kind::List(&Kind::Object(&[FIELD_ID, FIELD_SET, FIELD]), 1, 1_000);
const RANK: &[Field] = &[must("id", ID), must("priority", Kind::Int(0, i64::MAX))];
/// Body that orders rules.
pub(super) const PRIORITIES: &[Field] =
    &[must("priorities", Kind::List(&Kind::Object(&[RANK]), 1, 1_000))];

/// The form of one kind.
pub(super) fn form(kind: RowKind) -> Form {
    let (noun, create, update, blank): (_, Shape, Shape, fn(Instant) -> Row) = match kind {
        RowKind::Tag => ("tag", &[TAG_NEW, TAG], &[TAG_SET, TAG], blank_tag),
        RowKind::Team => ("team", &[TEAM_NEW, TEAM], &[TEAM_SET, TEAM], blank_team),
        RowKind::Field => ("custom field", &[FIELD_NEW, FIELD], &[FIELD_SET, FIELD], blank_field),
        RowKind::Rule => ("rule", &[RULE_NEW, RULE], &[RULE_SET, RULE], blank_rule),
        RowKind::Macro => ("macro", &[MACRO_NEW, MACRO], &[MACRO_SET, MACRO], blank_macro),
        RowKind::Integration => (
            "integration",
            &[INTEGRATION_NEW, INTEGRATION],
            &[INTEGRATION_SET, INTEGRATION],
            blank_integration,
        ),
        RowKind::View => ("view", &[VIEW_NEW, VIEW], &[VIEW_SET, VIEW], blank_view),
        _ => ("satisfaction survey", &[SURVEY], &[SURVEY], blank_survey),
    };
    let events = (kind == RowKind::Tag).then_some(("tag-created", "Tag"));
    Form { noun, create, update, blank, events }
}

fn blank_tag(at: Instant) -> Row {
    object(json!({
        "name": null, "description": null, "decoration": null, "usage": 0,
        "created_datetime": at, "deleted_datetime": null,
    }))
}

fn blank_team(at: Instant) -> Row {
    object(json!({
        "name": null, "description": null, "decoration": null, "members": [],
        "created_datetime": at,
    }))
}

fn blank_field(at: Instant) -> Row {
    object(json!({
        "external_id": null, "object_type": null, "label": null, "description": null,
        "priority": 10, "required": false, "managed_type": null, "definition": null,
        "created_datetime": at, "updated_datetime": at, "deactivated_datetime": null,
    }))
}

fn blank_rule(at: Instant) -> Row {
    object(json!({
        "name": null, "description": null, "code": "", "event_types": "", "priority": 100,
        "type": "user", "created_datetime": at, "updated_datetime": at,
        "deactivated_datetime": null,
    }))
}

fn blank_macro(at: Instant) -> Row {
    object(json!({
        "external_id": null, "name": null, "actions": [], "intent": null, "language": null,
        "usage": 0, "created_datetime": at, "updated_datetime": at, "archived_datetime": null,
    }))
}

fn blank_integration(at: Instant) -> Row {
    object(json!({
        "type": null, "name": null, "description": null, "meta": {}, "user": null,
        "http": null, "created_datetime": at, "updated_datetime": at,
        "deactivated_datetime": null, "locked_datetime": null, "deleted_datetime": null,
    }))
}

fn blank_view(at: Instant) -> Row {
    object(json!({
        "name": null, "slug": null, "type": "ticket-list", "category": "user",
        "visibility": "public", "filters": "", "order_by": "updated_datetime",
        "order_dir": "desc", "display_order": 1, "fields": [], "shared_with_users": [],
        "shared_with_teams": [], "created_datetime": at, "deactivated_datetime": null,
    }))
}

fn blank_survey(at: Instant) -> Row {
    object(json!({
        "body_text": null, "created_datetime": at, "customer_id": null, "meta": null,
        "score": null, "scored_datetime": null, "sent_datetime": null,
        "should_send_datetime": null, "ticket_id": null,
    }))
}
