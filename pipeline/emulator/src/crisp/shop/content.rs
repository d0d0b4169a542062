//! The content of one message by its type, and the file it may carry.
//!
//! It owns what a content looks like. Who speaks, when and how often is `talk.rs`'s.

use serde_json::{Value, json};

use super::files::{self, Kind};
use super::sessions::Special;
use super::talk::{Side, Talk};
use super::words::{EVENTS, NOTES};
use crate::dice::Dice;

impl Talk<'_> {
    pub(super) fn content(&mut self, kind: &str, side: Side, at: usize) -> Value {
        match kind {
            "note" => {
                let note = *self.dice.pick(NOTES);
                json!(format!("@{} {note}", self.operator().nickname))
            }
            "file" => {
                let kind =
                    *self.dice.pick(&[Kind::Png, Kind::Png, Kind::Pdf, Kind::Csv, Kind::Gif]);
                let (name, url, media_type) = self.upload(kind, side);
                json!({ "name": name, "url": url, "type": media_type })
            }
            "audio" => {
                let (_, url, media_type) = self.upload(Kind::Wav, side);
                json!({ "url": url, "type": media_type, "duration": 1 + self.dice.below(90) })
            }
            "animation" => {
                let (_, url, media_type) = self.upload(Kind::Gif, side);
                json!({ "url": url, "type": media_type })
            }
            "picker" => json!({
                "id": format!("topic-{at}"),
                "text": "What is it about?",
                "choices": [
                    { "value": "order", "icon": "📦", "label": "My order",
                      "selected": self.dice.chance(60) },
                    { "value": "other", "label": "Something else", "selected": false,
                      "action": { "type": "link", "target": "https://shop.example/help" } },
                ],
                "required": false,
            }),
            "field" if self.dice.chance(60) => {
                json!({
                    "id": format!("mail-{at}"),
                    "text": "Your e-mail?",
                    "explain": "name@example.org",
                    "value": self.person.email.as_deref().unwrap_or("later"),
                })
            }
            "field" => json!({ "id": format!("mail-{at}"), "text": "Your e-mail?", "explain": "" }),
            "carousel" => json!({ "text": "You may like", "targets": [
                { "title": "Hand grinder", "description": "Steel burrs",
                  "image": "https://img.example/grinder.png",
                  "actions": [{ "label": "See", "url": "https://shop.example/p/grinder" }] },
                { "title": "Kettle", "description": "", "actions": [] },
            ]}),
            "event" => json!({ "namespace": *self.dice.pick(EVENTS), "text": "by the shop" }),
            "hologram" => json!({ "mesh": [1, 2, 3], "title": "a type nobody documented" }),
            _ => json!(self.text(side, at)),
        }
    }

    fn text(&mut self, side: Side, at: usize) -> String {
        let tongue = self.person.tongue;
        let is_last = at + 1 == self.plan.messages;
        let template = match side {
            Side::Bot => "Hello 👋 A colleague will be with you shortly.",
            Side::Operator => self.dice.pick(tongue.answers),
            _ if at == 0 => self.dice.pick(tongue.questions),
            _ if is_last => self.dice.pick(tongue.thanks),
            _ => self.dice.pick(tongue.remarks),
        };
        let text =
            template.replace("{order}", &self.order.to_string()).replace("{product}", self.product);
        if at > 0 && self.dice.chance(4) {
            let (_, url, _) = self.upload(Kind::Png, side);
            return format!("![shot]({url})\n{text}");
        }
        if self.dice.chance(2) {
            // Longer than any excerpt, with line breaks.
            return format!("{text}\n\n{}", format!("{text} ").repeat(12).trim_end());
        }
        text
    }

    /// A file of this conversation; at times the same bytes as the one before.
    fn upload(&mut self, kind: Kind, side: Side) -> (String, String, String) {
        let id = self.dice.hex24();
        let name = match self.dice.below(4) {
            0 => format!("Größe & Foto {}.{}", self.files.len() + 1, files::ending(kind)),
            _ => format!("upload_{}.{}", &id[..6], files::ending(kind)),
        };
        let is_again =
            self.previous_file.as_ref().is_some_and(|(_, ending)| ending == files::ending(kind))
                && self.dice.chance(30);
        let ordinal = match &self.previous_file {
            Some((earlier, _)) if is_again => earlier.clone(),
            _ => id.clone(),
        };
        let mut bytes_dice = Dice::new(self.seed, &ordinal, 0);
        let (note, bytes) = files::file(kind, &name, &mut bytes_dice);
        let holder =
            if matches!(side, Side::Customer | Side::Copied) { "session" } else { "operator" };
        let path_name: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
        let path_name = path_name.replace('+', "%20");
        let url = format!("@@FILES@@/users/upload/{holder}/{id}/{path_name}");
        let media_type = note.media_type.clone();
        let is_dead = self.plan.special == Special::DeadLink && !self.has_dead_link;
        self.has_dead_link = true;
        if !is_dead {
            self.previous_file = Some((ordinal, files::ending(kind).to_owned()));
            self.files.push((id, note, bytes));
        }
        (name, url, media_type)
    }
}
