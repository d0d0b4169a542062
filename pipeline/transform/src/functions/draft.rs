//! Draft.js documents as Markdown: the text of macros, which editors of that family keep as blocks
//! with ranges of style and links beside them.
//!
//! Offsets count UTF-16 units, as JavaScript does. What is no such document gives nothing; a style
//! or an entity that is not known leaves its text as it stands. It knows no platform.

use serde::Deserialize;
use serde_json::Value;

/// Levels that a list is indented by at most.
const DEPTH_MAX: usize = 10;

#[derive(Deserialize)]
struct Document {
    blocks: Vec<Block>,
    #[serde(default, rename = "entityMap")]
    entities: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Block {
    #[serde(default)]
    text: String,
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    depth: usize,
    #[serde(default)]
    inline_style_ranges: Vec<StyleRange>,
    #[serde(default)]
    entity_ranges: Vec<EntityRange>,
}

#[derive(Deserialize)]
struct StyleRange {
    offset: usize,
    length: usize,
    style: String,
}

#[derive(Deserialize)]
struct EntityRange {
    offset: usize,
    length: usize,
    key: Value,
}

/// The document as Markdown; `None` for what is none.
pub(crate) fn markdown(json: &str) -> Option<String> {
    let document: Document = serde_json::from_str(json).ok()?;
    let mut lines = Vec::new();
    let (mut number, mut is_code) = (0, false);
    for block in &document.blocks {
        number = if block.kind == "ordered-list-item" { number + 1 } else { 0 };
        if is_code != (block.kind == "code-block") {
            is_code = !is_code;
            lines.push("```".to_owned());
        }
        let text = if is_code { block.text.clone() } else { marked(block, &document.entities) };
        lines.push(format!("{}{text}", lead(block, number)));
    }
    if is_code {
        lines.push("```".to_owned());
    }
    Some(lines.join("\n").trim_end().to_owned())
}

/// What stands before the text of a block.
fn lead(block: &Block, number: usize) -> String {
    let indent = "  ".repeat(block.depth.min(DEPTH_MAX));
    match block.kind.as_str() {
        "header-one" => "# ".to_owned(),
        "header-two" => "## ".to_owned(),
        "header-three" => "### ".to_owned(),
        "header-four" => "#### ".to_owned(),
        "header-five" => "##### ".to_owned(),
        "header-six" => "###### ".to_owned(),
        "blockquote" => "> ".to_owned(),
        "unordered-list-item" => format!("{indent}* "),
        "ordered-list-item" => format!("{indent}{number}. "),
        _ => String::new(),
    }
}

/// The text of a block with the signs of its styles, its links and its pictures.
fn marked(block: &Block, entities: &Value) -> String {
    let units: Vec<usize> = block
        .text
        .char_indices()
        .flat_map(|(place, letter)| std::iter::repeat_n(place, letter.len_utf16()))
        .collect();
    let byte = |unit: usize| units.get(unit).copied().unwrap_or(block.text.len());
    let mut pieces: Vec<(usize, usize, String, String)> = Vec::new();
    for range in &block.entity_ranges {
        let (start, end) = (byte(range.offset), byte(range.offset.saturating_add(range.length)));
        if let Some((open, close)) = signs_of(&range.key, entities) {
            pieces.push((start, end, open, close));
        }
    }
    for range in &block.inline_style_ranges {
        let (start, end) = (byte(range.offset), byte(range.offset.saturating_add(range.length)));
        let sign = match range.style.as_str() {
            "BOLD" => "**",
            "ITALIC" => "*",
            "UNDERLINE" => "__",
            "STRIKETHROUGH" => "~~",
            "CODE" => "`",
            _ => continue,
        };
        // Signs must hug their words.
        let inner = &block.text[start..end];
        let begins = start + inner.len() - inner.trim_start().len();
        let ends = begins + inner.trim().len();
        pieces.push((begins, ends, sign.to_owned(), sign.to_owned()));
    }
    pieces.retain(|(start, end, ..)| start < end);
    with_signs(&block.text, pieces)
}

/// What stands before and behind the text of an entity; nothing for one that is only text.
fn signs_of(key: &Value, entities: &Value) -> Option<(String, String)> {
    let entity = match key {
        Value::String(key) => &entities[key],
        key => &entities[key.to_string()],
    };
    let address = ["url", "href", "src"].iter().find_map(|name| entity["data"][name].as_str())?;
    match entity["type"].as_str()?.to_ascii_uppercase().as_str() {
        "LINK" => Some(("[".to_owned(), format!("]({address})"))),
        "IMAGE" => Some(("![".to_owned(), format!("]({address})"))),
        _ => None,
    }
}

/// The text with signs around its pieces: the longer piece around the shorter one. A piece that
/// begins inside another one ends with it at the latest.
fn with_signs(text: &str, mut pieces: Vec<(usize, usize, String, String)>) -> String {
    pieces.sort_by_key(|(start, end, ..)| (*start, std::cmp::Reverse(*end)));
    let mut shown = String::with_capacity(text.len() + 16);
    let mut open: Vec<(usize, String)> = Vec::new();
    let mut from = 0;
    for (start, end, before, behind) in pieces {
        close_until(start, text, &mut from, &mut open, &mut shown);
        shown.push_str(&text[from..start]);
        from = start;
        shown.push_str(&before);
        let end = open.last().map_or(end, |(outer, _)| end.min(*outer));
        open.push((end, behind));
    }
    close_until(text.len(), text, &mut from, &mut open, &mut shown);
    shown.push_str(&text[from..]);
    shown
}

/// Ends what is open and ends at `place` or before.
fn close_until(
    place: usize,
    text: &str,
    from: &mut usize,
    open: &mut Vec<(usize, String)>,
    shown: &mut String,
) {
    while let Some((end, behind)) = open.pop_if(|(end, _)| *end <= place) {
        shown.push_str(&text[*from..end]);
        *from = end;
        shown.push_str(&behind);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_styles_links_and_placeholders_of_a_macro_survive() {
        let json = r#"{"blocks":[
            {"text":"Hello {{customer.name}},","type":"unstyled","inlineStyleRanges":[],"entityRanges":[]},
            {"text":"","type":"unstyled"},
            {"text":"😀 Please read this page now","type":"unstyled",
             "inlineStyleRanges":[{"offset":3,"length":7,"style":"BOLD"},{"offset":25,"length":3,"style":"ITALIC"}],
             "entityRanges":[{"offset":15,"length":9,"key":0}]}],
            "entityMap":{"0":{"type":"LINK","data":{"url":"https://a.example/?b=1&c=2"}}}}"#;
        let expected = "Hello {{customer.name}},\n\n😀 **Please** read [this page](https://a.example/?b=1&c=2) *now*";
        assert_eq!(markdown(json).as_deref(), Some(expected));
    }

    #[test]
    fn lists_headings_quotations_and_code_have_their_signs() {
        let block =
            |kind: &str, text: &str| format!(r#"{{"type":"{kind}","text":"{text}","depth":1}}"#);
        let blocks = [
            block("header-two", "Steps"),
            block("ordered-list-item", "one"),
            block("ordered-list-item", "two"),
            block("unstyled", "so"),
            block("ordered-list-item", "first"),
            block("unordered-list-item", "dot"),
            block("blockquote", "said"),
            block("code-block", "a * b"),
            block("code-block", "c"),
        ];
        let json = format!(r#"{{"blocks":[{}]}}"#, blocks.join(","));
        let expected =
            "## Steps\n  1. one\n  2. two\nso\n  1. first\n  * dot\n> said\n```\na * b\nc\n```";
        assert_eq!(markdown(&json).as_deref(), Some(expected));
    }

    #[test]
    fn ranges_that_lie_cut_nothing_and_never_panic() {
        for (ranges, expected) in [
            (r#"{"offset":0,"length":99,"style":"BOLD"}"#, "**a😀b**"),
            (r#"{"offset":99,"length":1,"style":"BOLD"}"#, "a😀b"),
            (r#"{"offset":2,"length":18446744073709551615,"style":"BOLD"}"#, "a**😀b**"),
            (r#"{"offset":0,"length":1,"style":"color-red"}"#, "a😀b"),
            (
                r#"{"offset":0,"length":3,"style":"BOLD"},{"offset":1,"length":3,"style":"CODE"}"#,
                "**a`😀`**b",
            ),
        ] {
            let json =
                format!(r#"{{"blocks":[{{"text":"a😀b","inlineStyleRanges":[{ranges}]}}]}}"#);
            assert_eq!(markdown(&json).as_deref(), Some(expected), "{ranges}");
        }
        for json in ["", "[]", "{}", "{\"blocks\":1}", "plain text", "null"] {
            assert_eq!(markdown(json), None, "{json}");
        }
    }

    #[test]
    fn entities_without_an_address_stay_text() {
        let json = r#"{"blocks":[{"text":"Hi you","entityRanges":[{"offset":3,"length":3,"key":"7"}]}],
            "entityMap":{"7":{"type":"DYNAMIC_TEXT","data":{"value":"{{customer.name}}"}}}}"#;
        assert_eq!(markdown(json).as_deref(), Some("Hi you"));
    }
}
