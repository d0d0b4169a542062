//! Addresses of images in texts that are Markdown, HTML or both.
//!
//! One address too many costs a call, one too few costs an image: code is searched too, and what
//! either language would show counts. Backgrounds in style sheets are not looked for.

use std::cell::RefCell;
use std::ops::Range;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer,
};
use pulldown_cmark::{Event, Options, Parser};

/// Elements whose `src` is a program or a page and not something to keep.
const NO_MEDIA: [&str; 4] = ["script", "iframe", "frame", "embed"];

/// Every address, as it stands there with escapes and entities resolved: those of Markdown first,
/// then those of HTML, each in the order of the text.
pub(super) fn images(text: &str) -> Vec<String> {
    let (mut found, places) = of_markdown(text);
    found.extend(of_odd_markdown(text, &places));
    found.extend(of_html(text));
    found
}

/// Images as CommonMark knows them, and where they are.
fn of_markdown(text: &str) -> (Vec<String>, Vec<Range<usize>>) {
    let mut found = Vec::new();
    let mut places = Vec::new();
    for (event, place) in Parser::new_ext(text, Options::empty()).into_offset_iter() {
        if let Event::Start(pulldown_cmark::Tag::Image { dest_url, .. }) = event {
            found.push(dest_url.into_string());
            places.push(place);
        }
    }
    (found, places)
}

/// Images that CommonMark does not take for any: in code, in blocks of HTML, or with a size behind
/// the address, as some dialects have it.
fn of_odd_markdown(text: &str, places: &[Range<usize>]) -> Vec<String> {
    let is_known = |at: &usize| places.iter().any(|place| place.contains(at));
    let starts = text.match_indices("![").map(|(at, _)| at).filter(|at| !is_known(at));
    starts
        .filter_map(|at| {
            let (_, after) = text[at..].lines().next()?.split_once("](")?;
            let mut depth = 1;
            let end = after.find(|char: char| {
                match char {
                    '(' => depth += 1,
                    ')' => depth -= 1,
                    _ => {}
                }
                depth == 0 || char.is_whitespace() || char == '"'
            })?;
            Some(after[..end].trim_matches(['<', '>']).replace("&amp;", "&"))
        })
        .collect()
}

/// Everything that HTML shows: `src` of images, sound and film, `srcset`, `poster`, `background`.
fn of_html(text: &str) -> Vec<String> {
    let tokenizer = Tokenizer::new(Shown::default(), Default::default());
    let input = BufferQueue::default();
    input.push_back(StrTendril::from_slice(text));
    let _finished = tokenizer.feed(&input);
    tokenizer.end();
    tokenizer.sink.0.into_inner()
}

/// Collects addresses from start tags.
#[derive(Default)]
struct Shown(RefCell<Vec<String>>);

impl TokenSink for Shown {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        if let Token::TagToken(tag) = token
            && tag.kind == TagKind::StartTag
        {
            self.0.borrow_mut().extend(of_tag(&tag));
        }
        TokenSinkResult::Continue
    }
}

fn of_tag(tag: &Tag) -> Vec<String> {
    let mut found = Vec::new();
    for attribute in &tag.attrs {
        let value: &str = &attribute.value;
        match &*attribute.name.local {
            "src" if !NO_MEDIA.contains(&&*tag.name) => found.push(value.to_owned()),
            "poster" | "background" => found.push(value.to_owned()),
            "srcset" => found.extend(candidates(value)),
            _ => {}
        }
    }
    found
}

/// The addresses of a `srcset`, which stand before a size and are divided by commas.
fn candidates(set: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = set;
    loop {
        rest = rest.trim_start_matches(|char: char| char.is_whitespace() || char == ',');
        let Some(address) = rest.split_whitespace().next() else { return found };
        rest = &rest[address.len()..];
        let bare = address.trim_end_matches(',');
        found.push(bare.to_owned());
        if bare.len() == address.len() {
            rest = rest.split_once(',').map_or("", |(_, after)| after);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        assert_eq!(images(text), expected, "{text}");
    }

    #[test]
    fn markdown_images_are_found_in_every_spelling() {
        check("a ![x](https://a.example/1.png) b", &["https://a.example/1.png"]);
        check("![x](https://a.example/1.png \"a (title)\")", &["https://a.example/1.png"]);
        check("![x](<https://a.example/1 2.png>)", &["https://a.example/1 2.png"]);
        check("![x](https://a.example/(1)_2.png)", &["https://a.example/(1)_2.png"]);
        check("![x](https://a.example/?a=1&amp;b=2)", &["https://a.example/?a=1&b=2"]);
        check(
            "![x][pic] ![pic]\n\n[pic]: https://a.example/r.png",
            &["https://a.example/r.png"; 2],
        );
        check(
            "[![x](https://a.example/in.png)](https://a.example/)",
            &["https://a.example/in.png"],
        );
        check("- a\n\n      ![x](https://a.example/deep.png)", &["https://a.example/deep.png"]);
        check("[link](https://a.example/) https://a.example/bare.png ! [x](y)", &[]);
    }

    #[test]
    fn images_that_only_a_dialect_shows_are_found() {
        check("![x](https://a.example/1.png =300x200)", &["https://a.example/1.png"]);
        check("<div>\n![x](https://a.example/1_(2).png)\n</div>", &["https://a.example/1_(2).png"]);
        check("`![x](https://a.example/code.png)`", &["https://a.example/code.png"]);
        check("![never closed](https://a.example/1", &[]);
    }

    #[test]
    fn what_html_shows_is_found_with_its_entities_resolved() {
        check(
            "<IMG alt='' src='https://b.example/?c=1&amp;d=2'><img src=https://b.example/3>",
            &["https://b.example/?c=1&d=2", "https://b.example/3"],
        );
        check("<img alt=\"a > b\"\n src = \"https://b.example/4\" />", &["https://b.example/4"]);
        check("<td background=\"https://b.example/bg\">", &["https://b.example/bg"]);
        check(
            "<video poster=\"https://b.example/p\"><source src=\"https://b.example/v\">",
            &["https://b.example/p", "https://b.example/v"],
        );
        check(
            "<script src=\"https://b.example/x.js\"></script><iframe src=\"https://b.example/\">",
            &[],
        );
        check("<!-- <img src=\"https://b.example/no\"> -->", &[]);
    }

    #[test]
    fn every_candidate_of_a_set_is_found() {
        check(
            "<img srcset=\"https://b.example/a,b.png 1x, https://b.example/2.png 2x\" src=\"s\">",
            &["https://b.example/a,b.png", "https://b.example/2.png", "s"],
        );
        assert_eq!(candidates(" a , b 100w,c,  d(1,2) 3x "), ["a", "b", "c", "d(1,2)"]);
        assert!(candidates(" , ").is_empty());
    }
}
