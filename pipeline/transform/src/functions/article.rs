//! HTML of help centers as Markdown of the kind that Crisp describes.
//!
//! A library does the translation; here is only what it does not know: `__x__`, `++x++`, films, and
//! which addresses may stay. What Markdown has no sign for is kept as its text.

use std::sync::LazyLock;

use htmd::element_handler::{HandlerResult, Handlers};
use htmd::options::{HrStyle, Options};
use htmd::{Element, HtmlToMarkdown};

use super::markup;

/// Elements inside each other at most; the library walks them by calling itself.
const DEPTH_MAX: usize = 60;

static CONVERTER: LazyLock<HtmlToMarkdown> = LazyLock::new(|| {
    HtmlToMarkdown::builder()
        .options(Options {
            hr_style: HrStyle::Dashes,
            ul_bullet_spacing: 1,
            ol_number_spacing: 1,
            ..Options::default()
        })
        .add_handler(vec!["u", "ins"], |handlers: &dyn Handlers, element: Element| {
            between("__", handlers, &element)
        })
        .add_handler(vec!["mark"], |handlers: &dyn Handlers, element: Element| {
            between("++", handlers, &element)
        })
        .add_handler(vec!["s", "del", "strike"], |handlers: &dyn Handlers, element: Element| {
            between("~~", handlers, &element)
        })
        .add_handler(vec!["hr"], |_: &dyn Handlers, _: Element| Some("\n\n---\n\n".into()))
        .add_handler(vec!["iframe"], |_: &dyn Handlers, element: Element| framed(&element))
        .build()
});

/// HTML as Markdown. A page that is nested too deeply is read as plain text.
pub(crate) fn markdown_of_html(html: &str) -> String {
    let cleaned =
        markup::clean_with_frames(html).filter(|page| markup::depth_of(page) <= DEPTH_MAX);
    let converted = cleaned.and_then(|page| CONVERTER.convert(&page).ok());
    converted.unwrap_or_else(|| markup::text_of_html(html))
}

/// What an element holds between two signs, which must hug their words.
fn between(sign: &str, handlers: &dyn Handlers, element: &Element) -> Option<HandlerResult> {
    let inner = handlers.walk_children(element.node).content;
    let words = inner.trim();
    if words.is_empty() || words.contains("\n\n") {
        return Some(inner.into());
    }
    let start = inner.len() - inner.trim_start().len();
    let (before, behind) = (&inner[..start], &inner[start + words.len()..]);
    Some(format!("{before}{sign}{words}{sign}{behind}").into())
}

/// A page inside the page: a film of a site that Crisp knows, else a link.
fn framed(element: &Element) -> Option<HandlerResult> {
    let attribute = |wanted: &str| {
        let found = element.attrs.iter().find(|attribute| &*attribute.name.local == wanted);
        found.map(|attribute| attribute.value.trim().to_owned()).filter(|text| !text.is_empty())
    };
    let address = attribute("src")?;
    let title = attribute("title").map(|title| title.replace(['[', ']', '\n'], " "));
    let shown = match film_of(&address) {
        Some((site, id)) => format!("${{{site}}}[{}]({id})", title.as_deref().unwrap_or("Video")),
        None => format!("[{}]({address})", title.as_deref().unwrap_or(&address)),
    };
    Some(format!("\n\n{shown}\n\n").into())
}

/// The site and the id of a film, by the address of its player.
fn film_of(address: &str) -> Option<(&'static str, String)> {
    let url = url::Url::parse(address).ok()?;
    let path: Vec<&str> = url.path_segments()?.collect();
    let (site, id) = match (url.host_str()?.trim_start_matches("www."), path.as_slice()) {
        ("youtube.com" | "youtube-nocookie.com", ["embed", id]) => ("youtube", *id),
        ("player.vimeo.com", ["video", id]) => ("vimeo", *id),
        ("dailymotion.com", ["embed", "video", id]) => ("dailymotion", *id),
        _ => return None,
    };
    let is_id = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
    (!id.is_empty() && id.chars().all(is_id)).then(|| (site, id.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::super::markdown;
    use super::*;

    #[test]
    fn what_an_article_is_made_of_has_its_sign() {
        for (html, expected) in [
            ("<h1>One</h1><h6>Six</h6>", "# One\n\n###### Six"),
            ("<p>a <b>b</b> <i>i</i> <strong>s</strong></p>", "a **b** *i* **s**"),
            ("<u>u</u> <mark>m </mark>x <del>d</del>", "__u__ ++m++ x ~~d~~"),
            ("<p>one</p><p>two<br>three</p>", "one\n\ntwo  \nthree"),
            ("<ul><li>one</li><li>two</li></ul>", "* one\n* two"),
            ("<ol><li>one</li><li>two</li></ol>", "1. one\n2. two"),
            ("<ul><li>one<ul><li>in</li></ul></li></ul>", "* one\n  * in"),
            ("<blockquote><p>said</p></blockquote>", "> said"),
            ("<p>a</p><hr><p>b</p>", "a\n\n---\n\nb"),
            ("<pre><code class=\"language-js\">a * b\n</code></pre>", "```js\na * b\n```"),
            ("<code>x &lt; y</code>", "`x < y`"),
            (
                "<p><a href=\"https://a.example/?b=1&amp;c=2\">x</a></p>",
                "[x](https://a.example/?b=1&c=2)",
            ),
            (
                "<img src=\"https://a.example/c.png\" alt=\"cup\">",
                "![cup](https://a.example/c.png)",
            ),
            (
                "<iframe src=\"https://www.youtube.com/embed/qgPN61LTzZM\" title=\"Film\"></iframe>",
                "${youtube}[Film](qgPN61LTzZM)",
            ),
            (
                "<iframe src=\"https://a.example/form\"></iframe>",
                "[https://a.example/form](https://a.example/form)",
            ),
            ("<p>H<sub>2</sub>O and <kbd>Ctrl</kbd></p>", "H2O and Ctrl"),
            ("", ""),
        ] {
            assert_eq!(markdown_of_html(html), expected, "{html}");
        }
    }

    #[test]
    fn a_table_stays_a_table() {
        let html = "<table><thead><tr><th>Size</th><th>Price</th></tr></thead><tbody><tr><td>S<br>M</td>\
            <td>1 | 2</td></tr></tbody></table>";
        let page = markdown::to_html(&markdown_of_html(html));
        for part in ["<table>", "<th>Price</th>", "S", "M", "1 | 2"] {
            assert!(page.contains(part), "{part}: {page}");
        }
    }

    #[test]
    fn nothing_that_acts_gets_into_markdown_and_words_stay() {
        for (html, words) in [
            ("<script>alert(1)</script>after", "after"),
            ("<a href=\"javascript:alert(1)\">here</a>", "here"),
            ("<a href=\"/kb/articles/1\">next</a>", "next"),
            ("<img src=\"data:image/png;base64,AAAA\" alt=\"cup\">", "cup"),
            ("<iframe src=\"javascript:alert(1)\" title=\"t\"></iframe>after", "after"),
            ("<iframe srcdoc=\"<script>x</script>\">x</iframe>after", "after"),
            ("<style>p{}</style><p onclick=x>words</p>", "words"),
        ] {
            let markdown = markdown_of_html(html);
            assert!(markdown.contains(words), "{html}: {markdown}");
            for part in ["javascript", "alert", "data:", "onclick", "<"] {
                assert!(!markdown.contains(part), "{html}: {markdown}");
            }
        }
    }

    #[test]
    fn words_that_look_like_signs_stay_words() {
        for text in [
            "2 * 3 * 4",
            "snake_case_name",
            "1. April",
            "# no heading",
            "a [b](c)",
            "> x",
            "`tick`",
        ] {
            let html = format!("<p>{}</p>", text.replace('>', "&gt;"));
            let page = markdown::to_html(&markdown_of_html(&html));
            assert_eq!(markup::text_of_html(&page), text, "{page}");
        }
    }

    #[test]
    fn every_word_of_an_odd_page_survives_both_ways() {
        for html in [
            "<table><tr><td><table><tr><td>inner one</td></tr></table></td><td>two</td></tr></table>",
            "<table><tr><td><ul><li>one</li><li>two</li></ul></td></tr></table>",
            "<table><caption>head</caption><tr><th rowspan=2>one</th></tr></table>",
            "<li>one<p>two</p><pre>three\n four</pre><li><a href=\"https://a.example\"><p>five</p></a>",
            "<ol start=7><li>one</li><li><blockquote>two<hr>three</blockquote></li></ol>",
            "<h2><img src=\"https://a.example/1.png\" alt=\"one\"><b>two</b><br>three</h2>",
            "<p>one<b> two </b>three<i></i><b><i>four</i></b>five</p>",
            "<details><summary>one</summary>two<figure><figcaption>three</figcaption></figure></details>",
            "one &lt;b&gt; two &amp;amp; three\u{a0}four",
            "<u>one<p>two</p></u><mark> </mark><s>three</s>",
            "<pre>``` one\n~~~ two</pre><code>`three`</code>",
            "<dl><dt>one<dd>two</dl><p>three",
            "<b>one<p>two</b>three</p></div></table>",
        ] {
            let markdown = markdown_of_html(html);
            let page = markdown::to_html(&markdown);
            let shown = format!("{} {}", markup::text_of_html(&page), page);
            for word in ["one", "two", "three", "four", "five", "head"] {
                let (was, is) = (html.contains(word), shown.contains(word));
                assert!(!was || is, "{word} of {html} is lost: {markdown} {page}");
            }
        }
    }

    #[test]
    fn a_deep_page_is_read_as_text() {
        for depth in [25, 50, 400, 50_000] {
            let html = format!("{}end{}", "<div>".repeat(depth), "</div>".repeat(depth));
            assert_eq!(markdown_of_html(&html), "end");
            let quoted = format!("{}end", "<blockquote><b>".repeat(depth));
            assert!(markdown_of_html(&quoted).contains("end"));
        }
    }
}
