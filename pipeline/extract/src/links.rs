//! Finds the addresses of files in records.

use serde_json::Value;

use crate::manifest::FileLinks;

/// Every address that a record points at, in the order of the manifest and of the text.
pub(crate) fn find(record: &Value, links: &FileLinks) -> Vec<String> {
    let mut found = Vec::new();
    for path in &links.download_targets {
        at_paths(record, path, &mut |value| {
            if let Some(text) = value.as_str().filter(|text| is_address(text)) {
                found.push(text.to_owned());
            }
        });
    }
    for path in &links.markup {
        at_paths(record, path, &mut |value| {
            if let Some(text) = value.as_str() {
                found.extend(images(text));
            }
        });
    }
    found
}

fn at_paths(value: &Value, path: &str, visit: &mut dyn FnMut(&Value)) {
    let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
    let inner: Vec<&Value> = match name {
        "*" => value.as_array().map(|list| list.iter().collect()).unwrap_or_default(),
        _ => value.get(name).into_iter().collect(),
    };
    for value in inner {
        match rest {
            Some(rest) => at_paths(value, rest, visit),
            None => visit(value),
        }
    }
}

fn is_address(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://")
}

/// Addresses of images in Markdown (`![text](address)`) and HTML (`<img src="address">`).
pub(crate) fn images(text: &str) -> Vec<String> {
    let mut found: Vec<(usize, String)> = Vec::new();
    for (at, _) in text.match_indices("![") {
        let after = text[at..].split_once("](").map(|(_, after)| after);
        let inside = after.and_then(|after| after.split([')', ' ', '"', '\n']).next());
        found.extend(inside.filter(|inside| is_address(inside)).map(|url| (at, url.to_owned())));
    }
    for (at, _) in text.match_indices("<img") {
        let tag = text[at..].split('>').next().unwrap_or_default();
        for quote in ['"', '\''] {
            let source = tag.split_once(&format!("src={quote}")).map(|(_, after)| after);
            let inside = source.and_then(|after| after.split(quote).next());
            let inside = inside.filter(|inside| is_address(inside));
            found.extend(inside.map(|url| (at, url.replace("&amp;", "&"))));
        }
    }
    found.sort_by_key(|(at, _)| *at);
    found.into_iter().map(|(_, url)| url).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_found_in_markdown_and_html_in_their_order() {
        let text = "a ![x](https://a.example/1.png \"t\") <img alt='' src=\"https://b.example/2?c=1&amp;d=2\"> \
                    ![no](data:image/png) [link](https://c.example/)";
        assert_eq!(images(text), ["https://a.example/1.png", "https://b.example/2?c=1&d=2"]);
    }

    #[test]
    fn addresses_are_found_by_path_and_within_lists() {
        let links: FileLinks = toml::from_str(
            "stream = \"s\"\ndownload_targets = [\"content.url\", \"content.targets.*.image\"]",
        )
        .expect("reads");
        let record = serde_json::json!({"content": {
            "url": "https://a.example/f",
            "targets": [{"image": "https://a.example/g"}, {"image": null}, {}],
        }});
        assert_eq!(find(&record, &links), ["https://a.example/f", "https://a.example/g"]);
        assert!(find(&serde_json::json!({"content": "text"}), &links).is_empty());
    }
}
