//! HTML that came from a source: cleaned, or read as plain text.
//!
//! What leaves here as HTML is safe to put before an agent: no scripts, no handlers, no styles, no
//! forms, and only addresses of the web, of mail and of telephones.

use std::sync::LazyLock;

use super::images;

static CLEANER: LazyLock<ammonia::Builder<'static>> = LazyLock::new(cleaner);

/// As the other one, and frames keep where they lead and code its language: for pages that are
/// translated and never shown.
static CLEANER_OF_ARTICLES: LazyLock<ammonia::Builder<'static>> = LazyLock::new(|| {
    let mut cleaner = cleaner();
    cleaner
        .clean_content_tags(SILENT.into_iter().filter(|tag| *tag != "iframe").collect())
        .add_tags(["iframe"])
        .add_tag_attributes("iframe", ["src", "title"])
        .add_tag_attributes("code", ["class"]);
    cleaner
});

fn cleaner() -> ammonia::Builder<'static> {
    let mut cleaner = ammonia::Builder::default();
    cleaner
        .link_rel(Some("noopener noreferrer"))
        .url_schemes(["http", "https", "mailto", "tel"].into())
        // A relative address would lead into the program of whoever shows the page.
        .url_relative(ammonia::UrlRelative::Deny)
        .clean_content_tags(SILENT.into());
    cleaner
}

/// Elements whose content is no text for readers.
const SILENT: [&str; 9] =
    ["head", "iframe", "math", "noscript", "object", "script", "style", "svg", "title"];

/// Elements that may lie inside each other. Cleaning takes time with the square of it: tens of
/// thousands, which no mail program writes, would take minutes.
const DEPTH_MAX: usize = 500;

/// HTML without anything that could act: links stay, and pictures with an address. Nothing for a page that is nested
/// too deeply.
pub(crate) fn clean(html: &str) -> Option<String> {
    (depth_of(html) <= DEPTH_MAX).then(|| CLEANER.clean(&images::name_embedded(html)).to_string())
}

/// [`clean`] for what is translated and not shown: frames stay, and the language of code.
pub(crate) fn clean_with_frames(html: &str) -> Option<String> {
    let named = images::name_embedded(html);
    (depth_of(html) <= DEPTH_MAX).then(|| CLEANER_OF_ARTICLES.clean(&named).to_string())
}

/// How many elements lie inside each other at most, counting those that need an end.
pub(crate) fn depth_of(html: &str) -> usize {
    const WITHOUT_END: [&str; 16] = [
        "p", "li", "br", "img", "hr", "td", "th", "tr", "dt", "dd", "meta", "link", "input",
        "option", "col", "area",
    ];
    let (mut depth, mut deepest) = (0_usize, 0);
    for piece in html.split('<').skip(1) {
        let is_end = piece.starts_with('/');
        let name: String = piece
            .trim_start_matches('/')
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .map(|letter| letter.to_ascii_lowercase())
            .collect();
        if name.is_empty() || WITHOUT_END.contains(&name.as_str()) {
            continue;
        }
        depth = if is_end { depth.saturating_sub(1) } else { depth + 1 };
        deepest = deepest.max(depth);
    }
    deepest
}

/// HTML as plain text: for messages that have no text of their own.
pub(crate) fn text_of_html(html: &str) -> String {
    static STRIPPER: LazyLock<ammonia::Builder<'static>> = LazyLock::new(|| {
        let mut stripper = ammonia::Builder::empty();
        stripper.clean_content_tags(SILENT.into());
        stripper
    });
    if depth_of(html) > DEPTH_MAX {
        let pieces = html.split('<').map(|piece| piece.rsplit('>').next().unwrap_or(""));
        return pieces
            .map(str::trim)
            .filter(|piece| !piece.is_empty())
            .collect::<Vec<_>>()
            .join(" ");
    }
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
    use super::super::markdown;
    use super::*;

    /// What an attacker may write, with what a reader must still find.
    const ATTACKS: &[(&str, &str)] = &[
        ("<script>alert(1)</script>after", "after"),
        ("<ScRiPt src=//evil.example/x.js></sCrIpT>after", "after"),
        ("<p onclick=\"alert(1)\" onmouseover='x'>words</p>", "words"),
        ("<img src=\"https://a.example/1.png\" onerror=alert(1) alt=\"cup\">", "cup"),
        ("<a href=\"javascript:alert(1)\">here</a>", "here"),
        ("<a href=\" JaVa\tScRiPt:alert(1)\">here</a>", "here"),
        ("<a href=\"&#106;avascript&colon;alert(1)\">here</a>", "here"),
        ("<a href=\"data:text/html,<script>alert(1)</script>\">here</a>", "here"),
        ("<a href=\"vbscript:x\">here</a>", "here"),
        ("<a href=\"/api/users\">here</a><a href=\"//evil.example\">there</a>", "there"),
        ("<img src=\"data:image/svg+xml;base64,PHN2Zz4=\" alt=\"cup\">", "cup"),
        ("<svg onload=alert(1)><script>alert(1)</script></svg>after", "after"),
        ("<svg><a xlink:href=\"javascript:alert(1)\"><text>x</text></a></svg>after", "after"),
        ("<math><mtext><style><img src=x onerror=alert(1)></style></mtext></math>after", "after"),
        ("<style>body{background:url(javascript:alert(1))}</style>after", "after"),
        ("<p style=\"background:url(javascript:alert(1))\">words</p>", "words"),
        ("<iframe src=\"https://evil.example\"></iframe>after", "after"),
        ("<iframe srcdoc=\"<script>alert(1)</script>\"></iframe>after", "after"),
        (
            "<form action=\"https://evil.example\"><input name=a>words<button>go</button></form>",
            "words",
        ),
        ("<object data=\"https://evil.example/x.swf\"></object><embed src=x>after", "after"),
        ("<base href=\"https://evil.example/\">after", "after"),
        ("<meta http-equiv=refresh content=\"0;url=javascript:alert(1)\">after", "after"),
        ("<link rel=stylesheet href=https://evil.example/x.css>after", "after"),
        ("words<b><script>alert(1)", "words"),
        ("words<!-- <script>alert(1)</script>", "words"),
        (
            "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\"></noscript>after",
            "after",
        ),
        ("<textarea></textarea><script>alert(1)</script>after", "after"),
        ("<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>", "alert(1)"),
        ("<template><script>alert(1)</script></template>after", "after"),
        ("<div id=x class=y><details open ontoggle=alert(1)>words</details></div>", "words"),
    ];

    /// Fails unless every element and attribute of a page that our cleaner wrote is harmless.
    fn assert_harmless(page: &str, attack: &str) {
        let elements = [
            "script", "style", "svg", "math", "iframe", "form", "input", "button", "object",
            "embed", "base", "meta", "link", "template", "noscript", "textarea", "!--",
        ];
        for tag in page.split('<').skip(1) {
            let tag = tag.to_ascii_lowercase();
            let name = tag.trim_start_matches('/').split([' ', '>', '/']).next().unwrap_or("");
            assert!(!elements.contains(&name), "{attack}: {page}");
            let mut pieces = tag.split('"');
            while let (Some(before), Some(value)) = (pieces.next(), pieces.next()) {
                let Some(attribute) = before.trim_end_matches('=').rsplit(' ').next() else {
                    continue;
                };
                if !before.ends_with('=') || before.contains('>') {
                    break;
                }
                let is_known = ["href", "src", "alt", "title", "rel", "class", "open", "width"];
                assert!(is_known.contains(&attribute), "{attack}: {page}");
                let is_address = ["href", "src"].contains(&attribute);
                let is_web = ["https://", "http://", "mailto:", "tel:"]
                    .iter()
                    .any(|scheme| value.starts_with(scheme));
                assert!(!is_address || is_web, "{attack}: {page}");
            }
        }
    }

    #[test]
    fn nothing_that_acts_survives_in_an_original_and_its_words_do() {
        for (attack, words) in ATTACKS {
            let page = clean(attack).expect("is not deep");
            assert_harmless(&page, attack);
            assert!(page.contains(words), "{attack}: {page}");
            assert_eq!(clean(&page), Some(page), "what is clean stays as it is");
        }
    }

    #[test]
    fn nothing_that_acts_survives_in_markdown() {
        for (attack, words) in ATTACKS {
            for markdown in [
                (*attack).to_owned(),
                format!("# {attack}\n\n* {attack}\n\n> {attack}"),
                format!("**{attack}** [x](https://a.example) ![y](https://a.example/y.png)"),
                format!("| a |\n| - |\n| {attack} |"),
                format!("- {attack}\n![{attack}](https://a.example/y.png)\nBuy: {attack}"),
            ] {
                let page = markdown::to_html(&markdown);
                assert_harmless(&page, &markdown);
                assert!(page.contains(words), "{markdown}: {page}");
            }
        }
        for address in [
            "javascript:alert(1)",
            "JAVASCRIPT:alert(1)",
            "data:text/html,x",
            "vbscript:x",
            "&#x6A;avascript:alert(1)",
            "java&#10;script:alert(1)",
            "/relative",
            "//evil.example",
            "file:///etc/passwd",
        ] {
            for markdown in [
                format!("[x]({address})"),
                format!("![x]({address})"),
                format!("[x]: {address}\n\n[x]"),
                format!("<{address}>"),
                format!("${{frame}}[x]({address})"),
                format!("![x]({address} =10x10)"),
            ] {
                let page = markdown::to_html(&markdown);
                assert_harmless(&page, &markdown);
                assert!(!page.contains("href") && !page.contains("src="), "{markdown}: {page}");
            }
        }
    }

    #[test]
    fn cleaned_html_keeps_links_pictures_and_tables() {
        let html = r#"<table><tr><td><a href="https://a.example/x">x</a></td></tr></table>
            <img src="https://a.example/1.png" alt="one" width="10"><a href="mailto:a@b.example">m</a>"#;
        let page = clean(html).expect("is not deep");
        for part in ["<td>", "href=\"https://a.example/x\"", "width=\"10\"", "mailto:a@b.example"] {
            assert!(page.contains(part), "{part}: {page}");
        }
    }

    #[test]
    fn what_is_nested_too_deeply_is_read_as_text_only() {
        for tag in ["<div>", "<b>", "<table>", "<Font size=1>", "<x-y>"] {
            let deep = format!("{}end", tag.repeat(50_000));
            assert_eq!(clean(&deep), None, "{tag}");
            assert_eq!(text_of_html(&deep), "end");
        }
        let flat = format!("{}end", "<p>a<br><li>b".repeat(2_000));
        assert!(clean(&flat).is_some_and(|page| page.contains("end")));
        let quoted = format!("{}end https://a.example", "> ".repeat(50_000));
        assert!(markdown::to_html(&quoted).contains("end"));
        assert!(markdown::to_html(&"[".repeat(50_000)).contains('['));
    }

    #[test]
    fn html_reads_as_text() {
        let html = "<html><head><title>t</title></head><style>p{}</style><p>Thanks,<br>see &amp; \
            read</p><div>1 &lt; 2&nbsp;&euro;</div><script>x()</script>";
        assert_eq!(text_of_html(html), "Thanks,\nsee & read\n1 < 2 €");
    }
}
