//! Markdown and HTML that came from a source: shown safely, and searched for pictures.
//!
//! Everything that leaves here as HTML is safe to put before an agent: no scripts, no handlers, no
//! addresses of unknown schemes.

use std::sync::LazyLock;

use pulldown_cmark::{Event, Options, Parser, html};

static CLEANER: LazyLock<ammonia::Builder<'static>> = LazyLock::new(|| {
    let mut cleaner = ammonia::Builder::default();
    cleaner.link_rel(Some("noopener noreferrer"));
    cleaner
});

/// HTML without anything that could act: links and pictures stay.
pub(crate) fn clean(html: &str) -> String {
    CLEANER.clean(html).to_string()
}

/// Like [`clean`], and pictures whose address is one of `lost` keep only their description.
pub(crate) fn clean_without(html: &str, lost: &[&str]) -> String {
    if lost.is_empty() {
        return clean(html);
    }
    let lost: Vec<String> = lost.iter().map(|url| (*url).to_owned()).collect();
    let mut cleaner = ammonia::Builder::default();
    cleaner.link_rel(Some("noopener noreferrer"));
    cleaner.attribute_filter(move |element, attribute, value| {
        let is_lost = element == "img" && attribute == "src" && lost.iter().any(|it| it == value);
        (!is_lost).then(|| value.into())
    });
    cleaner.clean(html).to_string()
}

/// Markdown as HTML. HTML inside it is shown as the text it is, and a line stays a line.
pub(crate) fn from_markdown(markdown: &str) -> String {
    let parser = Parser::new_ext(markdown, Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TABLES);
    let shown = parser.map(|event| match event {
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        Event::SoftBreak => Event::HardBreak,
        other => other,
    });
    let mut page = String::with_capacity(markdown.len() + markdown.len() / 2);
    html::push_html(&mut page, shown);
    // Only addresses can still do harm, since every other piece was written by the renderer; most
    // messages have none, and cleaning costs far more than rendering.
    if page.contains("<a ") || page.contains("<img ") {
        page = clean(&page);
    }
    page.truncate(page.trim_end().len());
    page
}

/// Addresses of pictures shown by Markdown `![…](…)` and by `<img src=…>`, each once, in order.
pub(crate) fn image_urls(text: &str) -> Vec<String> {
    let mut found: Vec<(usize, String)> = Vec::new();
    if text.contains("](") {
        markdown_images(text, &mut found);
    }
    html_images(text, &mut found);
    found.sort();
    let mut urls: Vec<String> = Vec::new();
    for (_, url) in found {
        let is_web = url.starts_with("https://") || url.starts_with("http://");
        if is_web && !urls.contains(&url) {
            urls.push(url);
        }
    }
    urls
}

fn markdown_images(text: &str, found: &mut Vec<(usize, String)>) {
    let mut from = 0;
    while let Some(start) = text[from..].find("![").map(|place| from + place) {
        from = start + 2;
        let Some(middle) = text[from..].find("](").map(|place| from + place) else {
            return;
        };
        let description = &text[from..middle];
        if description.contains("![") || description.contains("\n\n") {
            continue;
        }
        let target = text[middle + 2..].trim_start().trim_start_matches('<');
        let end = target.find([')', '>', ' ', '\n', '\t', '"']);
        if let Some(end) = end {
            found.push((start, target[..end].to_owned()));
        }
    }
}

fn html_images(text: &str, found: &mut Vec<(usize, String)>) {
    let lower = text.to_ascii_lowercase();
    let mut from = 0;
    while let Some(start) = lower[from..].find("<img").map(|place| from + place) {
        from = start + 4;
        let end = lower[from..].find('>').map_or(lower.len(), |place| from + place);
        if let Some(url) = attribute(&text[from..end], &lower[from..end], "src") {
            found.push((start, url.replace("&amp;", "&")));
        }
    }
}

/// The value of an attribute in the inside of a tag.
fn attribute<'a>(tag: &'a str, lower: &str, name: &str) -> Option<&'a str> {
    let mut from = 0;
    while let Some(place) = lower[from..].find(name).map(|place| from + place) {
        from = place + name.len();
        let is_whole = lower[..place].ends_with(|letter: char| letter.is_ascii_whitespace());
        let Some(value) = tag[from..].trim_start().strip_prefix('=').filter(|_| is_whole) else {
            continue;
        };
        let value = value.trim_start();
        return match value.chars().next() {
            Some(quote @ ('"' | '\'')) => value[1..].split(quote).next(),
            _ => value.split_ascii_whitespace().next(),
        };
    }
    None
}

/// HTML as plain text: for messages that have no text of their own.
pub(crate) fn text_of_html(html: &str) -> String {
    static STRIPPER: LazyLock<ammonia::Builder<'static>> = LazyLock::new(|| {
        let mut stripper = ammonia::Builder::empty();
        stripper.clean_content_tags(["script", "style", "head", "title"].into());
        stripper
    });
    let mut lined = String::with_capacity(html.len());
    for (place, piece) in html.split('<').enumerate() {
        if place > 0 {
            let name = piece.trim_start_matches('/').to_ascii_lowercase();
            let breaks = ["br", "p", "div", "tr", "li", "blockquote", "h1", "h2", "h3"];
            if breaks.iter().any(|tag| {
                let rest = name.strip_prefix(tag);
                rest.is_some_and(|rest| rest.starts_with(['>', ' ', '/']))
            }) {
                lined.push('\n');
            }
            lined.push('<');
        }
        lined.push_str(piece);
    }
    let plain = STRIPPER.clean(&lined).to_string();
    let plain = plain
        .replace("&nbsp;", " ")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&amp;", "&");
    let mut text = String::with_capacity(plain.len());
    for line in plain.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(line);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_inside_markdown_is_shown_not_run() {
        let page = from_markdown("**big** <script>alert(1)</script> <img src=x onerror=y>");
        assert!(page.contains("<strong>big</strong>"), "{page}");
        assert!(page.contains("&lt;script&gt;"), "{page}");
        assert!(!page.contains("<script") && !page.contains("<img"), "{page}");
        let link = from_markdown("[here](javascript:alert(1)) [there](https://shop.example/a)");
        assert!(!link.contains("javascript"), "{link}");
        assert!(link.contains("href=\"https://shop.example/a\""), "{link}");
    }

    #[test]
    fn lines_stay_lines() {
        assert_eq!(from_markdown("one\ntwo"), "<p>one<br />\ntwo</p>");
    }

    #[test]
    fn cleaned_html_keeps_pictures_except_lost_ones() {
        let html = r#"<p onclick="x()">a<img src="https://a.example/1.png" alt="one">
            <img src="https://a.example/2.png" alt="two"></p><script>x()</script>"#;
        let page = clean_without(html, &["https://a.example/2.png"]);
        assert!(page.contains("https://a.example/1.png") && page.contains("alt=\"two\""));
        assert!(!page.contains("2.png") && !page.contains("onclick") && !page.contains("script"));
    }

    #[test]
    fn pictures_are_found_in_both_spellings_once_each() {
        let text = "a ![x](https://a.example/1.png) <IMG alt='src' SRC='http://a.example/2.png?a&amp;b'>
            ![y](https://a.example/1.png \"title\") ![z](/relative.png) <img data-src=\"https://no.example\">";
        assert_eq!(image_urls(text), ["https://a.example/1.png", "http://a.example/2.png?a&b"]);
        assert!(image_urls("[link](https://a.example) ![open](https://a.example").is_empty());
    }

    #[test]
    fn html_reads_as_text() {
        let html =
            "<html><head><title>t</title></head><p>Thanks,<br>see &amp; read</p><div>Bye</div>";
        assert_eq!(text_of_html(html), "Thanks,\nsee & read\nBye");
    }
}
