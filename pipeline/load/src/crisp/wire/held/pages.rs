//! Which writes to the help center may leave, in the calls of both generations: those that make a
//! section or an article, and none that would change what is there beyond it.

use serde_json::Value;

use super::super::super::reply;
use super::is_id;

const CONTENT_TYPES: [&str; 4] = ["articles", "guides", "references", "news"];

/// The fields that a write may set; `None` for a call that a replay does not make. `steps` are
/// those behind `helpdesk`.
pub(super) fn fields(method: &str, steps: &[&str]) -> Option<&'static [&'static str]> {
    let names: &[&str] = match (method, steps) {
        ("POST", ["locale", locale, "category"]) if is_id(locale) => &["name"],
        ("PATCH", ["locale", locale, "category", id]) if is_id(locale) && is_id(id) => {
            &["description", "color"]
        }
        ("POST", ["locale", locale, "category", id, "section"]) if is_id(locale) && is_id(id) => {
            &["name"]
        }
        ("POST", ["locale", locale, "article"]) if is_id(locale) => &["title"],
        ("PATCH", ["locale", locale, "article", id]) if is_id(locale) && is_id(id) => {
            &["title", "description", "content"]
        }
        ("PATCH", ["locale", locale, "article", id, "category"]) if is_id(locale) && is_id(id) => {
            &["category_id", "section_id"]
        }
        ("POST", ["locale", locale, "article", id, "publish"]) if is_id(locale) && is_id(id) => &[],
        (_, ["tree", side, locale, content_type, path]) if is_node(locale, content_type, path) => {
            match (method, *side) {
                ("POST", "path") => &[],
                ("PUT", "content") => &["content"],
                ("PATCH", "metadata") => &["title", "description", "color", "state"],
                _ => return None,
            }
        }
        ("POST", ["refresh", locale, content_type])
            if is_id(locale) && CONTENT_TYPES.contains(content_type) =>
        {
            &[]
        }
        _ => return None,
    };
    Some(names)
}

/// Whether a write would let everybody read an article: unless it says "not published", whatever it
/// says about the state does.
pub(super) fn is_public(path: &str, body: &[u8]) -> bool {
    let body = reply::json(body).unwrap_or_default();
    let is_kept = |state: &Value| state.get("published") == Some(&Value::Bool(false));
    path.ends_with("/publish") || body.get("state").is_some_and(|state| !is_kept(state))
}

/// Whether these steps name one section or one article.
pub(super) fn is_removable(steps: &[&str]) -> bool {
    match steps {
        ["locale", locale, "article" | "category", id] => is_id(locale) && is_id(id),
        ["locale", locale, "category", category, "section", id] => {
            is_id(locale) && is_id(category) && is_id(id)
        }
        ["tree", "path", locale, content_type, path] => is_node(locale, content_type, path),
        _ => false,
    }
}

/// The way down a tree is one step, in which slashes are written as `%2F`.
fn is_node(locale: &str, content_type: &str, path: &str) -> bool {
    is_id(locale) && CONTENT_TYPES.contains(&content_type) && path.split("%2F").all(is_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(path: &str) -> Vec<&str> {
        path.split('/').collect()
    }

    #[test]
    fn the_calls_that_make_a_page_may_leave_and_no_other() {
        for (method, path) in [
            ("POST", "locale/en/category"),
            ("POST", "locale/en/category/1-a/section"),
            ("PATCH", "locale/en/article/1-a/category"),
            ("POST", "locale/en/article/1-a/publish"),
            ("POST", "tree/path/en/articles/a%2Fb"),
            ("PUT", "tree/content/en/news/a"),
            ("POST", "refresh/en/articles"),
        ] {
            assert!(fields(method, &steps(path)).is_some(), "{method} {path}");
        }
        for (method, path) in [
            ("POST", ""),
            ("DELETE", "locale/en/article/1-a"),
            ("POST", "locale/en/article/1-a/unpublish"),
            ("POST", "locale"),
            ("PATCH", "settings"),
            ("POST", "import/en/articles"),
            ("PATCH", "tree/path/en/articles/a"),
            ("POST", "tree/path/en/poems/a"),
            ("POST", "tree/path/en/articles/a?b"),
            ("POST", "tree/path/en/articles/"),
        ] {
            assert!(fields(method, &steps(path)).is_none(), "{method} {path}");
        }
    }

    #[test]
    fn what_makes_an_article_public_is_known_by_its_call() {
        let drafts = r#"{"title":"x","state":{"published":false,"hidden":false}}"#;
        assert!(!is_public("/helpdesk/tree/metadata/en/articles/a", drafts.as_bytes()));
        assert!(!is_public("/helpdesk/locale/en/article/1", br#"{"content":"x"}"#));
        assert!(is_public("/helpdesk/locale/en/article/1/publish", b"{}"));
        for state in [r#"{"published":true}"#, r#"{"published":1}"#, r#"{"hidden":true}"#, "7"] {
            let body = format!(r#"{{"state":{state}}}"#);
            assert!(is_public("/helpdesk/tree/metadata/en/articles/a", body.as_bytes()), "{state}");
        }
    }

    #[test]
    fn only_a_single_page_is_removed() {
        for path in ["locale/en/article/1", "locale/en/category/1/section/2", "tree/path/en/news/a"]
        {
            assert!(is_removable(&steps(path)), "{path}");
        }
        for path in ["", "locale/en", "locale/en/article/", "tree/path/en/news/", "redirection/1"] {
            assert!(!is_removable(&steps(path)), "{path}");
        }
    }
}
