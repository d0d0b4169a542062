//! The rebuild kit as a page of Markdown or of HTML.
//!
//! Whatever a template prints is escaped for its page before it gets there; what is put between
//! fences stands there as it is, behind a fence that it cannot end.

use kernel::{Fault, Result};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{AutoEscape, Environment, context, escape_formatter};

use super::{Group, RebuildKit, Thing};

/// Things of one kind that a page tells of; the rest is in the JSON.
const THINGS_MAX: usize = 200;
/// Characters of one definition that a page shows.
const DEFINITION_CHARS_MAX: usize = 20_000;

/// What a page is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// Markdown, with folded parts as HTML.
    Markdown,
    /// One file of HTML without anything from outside.
    Html,
}

impl RebuildKit {
    /// The kit as a page.
    ///
    /// # Errors
    /// `Bug` when the template does not fit.
    pub fn page(&self, page: Page) -> Result<String> {
        let unrendered = |error: minijinja::Error| {
            Fault::bug("the rebuild kit cannot be written down").because(error)
        };
        let environment = environment().map_err(unrendered)?;
        let name = match page {
            Page::Markdown => "rebuild.md",
            Page::Html => "rebuild.html",
        };
        let groups: Vec<Value> = self.groups.iter().map(of_group).collect();
        let values = context! {
            build => &self.build,
            platform => &self.platform,
            snapshots => self.snapshots.join(", "),
            target => &self.target,
            count => self.count,
            kinds => self.groups.len(),
            groups,
        };
        let template = environment.get_template(name).map_err(unrendered)?;
        template.render(values).map_err(unrendered)
    }
}

fn of_group(group: &Group) -> Value {
    // What is true of all of them is said once.
    let recommended = shared(group, |thing| thing.recommended_target.as_deref());
    let reason = shared(group, |thing| Some(&thing.reason_not_migrated));
    let things = group.things.iter().take(THINGS_MAX);
    let things: Vec<Value> = things.map(|thing| of_thing(thing, recommended, reason)).collect();
    context! {
        kind => &group.kind,
        title => &group.title,
        count => group.count,
        way => &group.way,
        reason,
        things,
        rest => group.count.saturating_sub(THINGS_MAX),
    }
}

/// What every thing of a group says alike.
fn shared<'a>(group: &'a Group, pick: fn(&'a Thing) -> Option<&'a str>) -> Option<&'a str> {
    let mut said = group.things.iter().map(pick);
    let first = said.next()??;
    said.all(|other| other == Some(first)).then_some(first)
}

/// A thing, without what its group says already.
fn of_thing(thing: &Thing, recommended: Option<&str>, reason: Option<&str>) -> Value {
    let own = |said: Option<&str>, of_all: Option<&str>| {
        said.filter(|said| Some(*said) != of_all).map(str::to_owned)
    };
    let stream = thing.stream.as_ref().map(|stream| format!(", stream {stream}"));
    context! {
        name => &thing.name,
        summary => thing.summary.as_ref().filter(|summary| !summary.is_empty()),
        content => &thing.content,
        recommended_target => own(thing.recommended_target.as_deref(), recommended),
        reason_not_migrated => own(Some(&thing.reason_not_migrated), reason),
        original => format!(
            "snapshot {}{}, key {}",
            thing.snapshot,
            stream.unwrap_or_default(),
            thing.key
        ),
        definition => thing.definition.as_ref().map(readable),
    }
}

/// JSON over several lines, cut where no reader would go on.
fn readable(definition: &serde_json::Value) -> String {
    let text = serde_json::to_string_pretty(definition).unwrap_or_default();
    match text.char_indices().nth(DEFINITION_CHARS_MAX) {
        Some((end, _)) => format!("{}\n… (the rest is in the JSON)", &text[..end]),
        None => text,
    }
}

fn environment() -> std::result::Result<Environment<'static>, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.set_auto_escape_callback(|name| match name.ends_with(".md") {
        true => AutoEscape::Custom("markdown".into()),
        false => AutoEscape::Html,
    });
    environment.set_formatter(|out, state, value| match state.auto_escape() {
        AutoEscape::Custom(_) if value.is_safe() => Ok(write!(out, "{value}")?),
        AutoEscape::Custom(_) => Ok(out.write_str(&escaped(&value.to_string()))?),
        _ => escape_formatter(out, state, value),
    });
    environment.add_filter("anchor", |text: String| Value::from_safe_string(anchor(&text)));
    environment.add_filter("fenced", |text: String| Value::from_safe_string(fenced(&text)));
    environment.add_template("rebuild.md", include_str!("../../templates/rebuild.md"))?;
    environment.add_template("rebuild.html", include_str!("../../templates/rebuild.html"))?;
    Ok(environment)
}

/// A line of text that means nothing to Markdown and nothing to HTML.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 8);
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' => {
                safe.push('\\');
                safe.push(letter);
            }
            letter if letter.is_control() => safe.push(' '),
            letter => safe.push(letter),
        }
    }
    safe
}

/// A name that can stand in an address within the page.
fn anchor(text: &str) -> String {
    let is_plain = |letter: &char| letter.is_ascii_alphanumeric() || *letter == '_';
    text.chars().filter(is_plain).collect()
}

/// A text between fences that are longer than any inside it.
fn fenced(text: &str) -> String {
    let longest = text.split(|letter| letter != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}\n{}\n{fence}", text.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kit(things: Vec<Thing>) -> RebuildKit {
        RebuildKit {
            build: "b".into(),
            platform: "kustomer".into(),
            snapshots: vec!["kustomer/0001".into()],
            target: Some("crisp".into()),
            count: things.len(),
            groups: super::super::grouped(things, &[("macro".into(), "a shortcut".into())].into()),
        }
    }

    fn thing(name: &str, text: &str) -> Thing {
        Thing {
            kind: "macro".into(),
            platform: "kustomer".into(),
            name: name.into(),
            summary: Some(text.into()),
            content: Some(text.into()),
            recommended_target: Some("a saved reply".into()),
            reason_not_migrated: "placeholders differ".into(),
            snapshot: "kustomer/0001".into(),
            stream: Some("shortcuts".into()),
            key: "a1".into(),
            created_at: None,
            updated_at: None,
            definition: Some(serde_json::json!({ "text": text })),
        }
    }

    #[test]
    fn nothing_that_a_macro_says_acts_in_either_page() {
        let attack =
            "</pre></details><script>alert(1)</script> ```\n# x [a](javascript:b) | <img src=x>";
        let kit = kit(vec![thing(attack, attack)]);
        let html = kit.page(Page::Html).expect("renders");
        assert!(!html.contains("<script") && !html.contains("<img"), "{html}");
        let markdown = kit.page(Page::Markdown).expect("renders");
        let mut fence = None;
        for line in markdown.lines() {
            let ticks = line.len() - line.trim_start_matches('`').len();
            match fence {
                Some(length) if line.trim_matches('`').is_empty() && ticks >= length => {
                    fence = None
                }
                None if ticks >= 3 => fence = Some(ticks),
                None => {
                    assert!(!line.contains("<script") && !line.contains("<img"), "{line}");
                    assert!(!line.replace("\\]", "").contains("](javascript"), "{line}");
                }
                Some(_) => {}
            }
        }
        assert_eq!(fence, None, "every fence ends: {markdown}");
    }

    #[test]
    fn a_page_names_way_reason_and_original_of_each_thing() {
        let kit = kit(vec![thing("Refund & return", "Hello")]);
        let markdown = kit.page(Page::Markdown).expect("renders");
        for part in [
            "| [Saved replies](#macro) | 1 | a shortcut |",
            "### Refund &amp; return",
            "a shortcut.\n\nNobody moves them: placeholders differ.",
            "* Original: snapshot kustomer/0001, stream shortcuts, key a1",
            "```\nHello\n```",
        ] {
            assert!(markdown.contains(part), "{part}: {markdown}");
        }
        let html = kit.page(Page::Html).expect("renders");
        assert!(html.contains("<h3>Refund &amp; return</h3>"), "{html}");
    }

    #[test]
    fn what_is_not_true_of_all_of_a_kind_is_said_of_each() {
        let odd = Thing { reason_not_migrated: "it is private".into(), ..thing("Odd", "x") };
        let odd = Thing { recommended_target: Some("nothing".into()), ..odd };
        let markdown = kit(vec![thing("Even", "x"), odd]).page(Page::Markdown).expect("renders");
        assert!(!markdown.contains("Nobody moves them"), "{markdown}");
        for part in ["* Not moved: placeholders differ", "* Not moved: it is private", ": nothing"]
        {
            assert!(markdown.contains(part), "{part}: {markdown}");
        }
    }

    #[test]
    fn a_kind_with_very_many_things_is_cut_and_says_so() {
        let things = (0..THINGS_MAX + 5).map(|number| thing(&format!("m{number:04}"), "x"));
        let kit = kit(things.collect());
        let markdown = kit.page(Page::Markdown).expect("renders");
        assert!(markdown.contains("\n5 more are in rebuild.json"), "{markdown}");
        assert_eq!(markdown.matches("\n### ").count(), THINGS_MAX);
    }
}
