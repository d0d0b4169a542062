//! What a list shows of a conversation's newest message: the excerpt and the small card.
//!
//! It knows the shape of messages and cards, not which message is the newest.

use serde_json::{Value, json};

/// Letters of an excerpt before it is cut.
const EXCERPT_LETTERS_MAX: usize = 200;

/// The `last_message` and the `preview_message` of a list item.
pub(crate) struct Preview {
    pub(crate) excerpt: String,
    pub(crate) card: Value,
}

/// The preview of one message, cut and without line breaks; a note or an event has none.
pub(crate) fn of(message: &Value) -> Option<Preview> {
    let kind = message["type"].as_str();
    if matches!(kind, Some("note" | "event")) {
        return None;
    }
    let content = &message["content"];
    let text = match kind {
        Some("file") => format!("📎 {}", content["name"].as_str().unwrap_or_default()),
        Some("audio") => "🎤 audio".to_owned(),
        Some("animation") => "🎞️ animation".to_owned(),
        _ => content.as_str().or(content["text"].as_str()).unwrap_or("…").to_owned(),
    };
    let line = text.replace('\n', " ");
    let mut excerpt: String = line.chars().take(EXCERPT_LETTERS_MAX).collect();
    if excerpt.len() < line.len() {
        excerpt.push_str("...");
    }
    let card = json!({
        "type": message["type"],
        "from": message["from"],
        "excerpt": excerpt,
        "fingerprint": message["fingerprint"],
    });
    Some(Preview { excerpt, card })
}
