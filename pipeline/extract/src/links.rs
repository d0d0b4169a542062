//! Finds the addresses of files in records.
//!
//! Where they may stand is the manifest's to say. Nothing is fetched from here.

mod markup;

use std::collections::HashSet;

use serde_json::Value;

use crate::manifest::FileLinks;

/// Every address that a record points at, each once: the targets, then the images of the texts.
pub(crate) fn find(record: &Value, links: &FileLinks) -> Vec<String> {
    let mut found = Vec::new();
    for path in &links.download_targets {
        at_paths(record, path, &mut |value| {
            found.extend(value.as_str().map(str::to_owned));
        });
    }
    for path in &links.markup {
        at_paths(record, path, &mut |value| {
            found.extend(value.as_str().map(markup::images).unwrap_or_default());
        });
    }
    let mut seen = HashSet::new();
    let addresses = found.iter().filter_map(|text| address(text));
    addresses.filter(|address| seen.insert(address.clone())).collect()
}

fn at_paths(value: &Value, path: &str, visit: &mut dyn FnMut(&Value)) {
    let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
    let inner: Vec<&Value> = match name {
        "*" => match value {
            Value::Array(list) => list.iter().collect(),
            Value::Object(fields) => fields.values().collect(),
            _ => Vec::new(),
        },
        _ => value.get(name).into_iter().collect(),
    };
    for value in inner {
        match rest {
            Some(rest) => at_paths(value, rest, visit),
            None => visit(value),
        }
    }
}

/// A text as an address that can be fetched; `None` for what stands in the text itself (`data:`),
/// in another part of the mail (`cid:`) or nowhere.
fn address(text: &str) -> Option<String> {
    let text: String =
        text.trim().chars().filter(|char| !matches!(char, '\t' | '\n' | '\r')).collect();
    let text = match text.strip_prefix("//") {
        Some(rest) => format!("https://{rest}"),
        None => text,
    };
    let scheme = text.split_once("://")?.0.to_ascii_lowercase();
    matches!(scheme.as_str(), "http" | "https").then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Manifest;

    fn links(lines: &str) -> FileLinks {
        toml::from_str(&format!("stream = \"s\"\n{lines}")).expect("reads")
    }

    #[test]
    fn addresses_are_found_by_path_and_within_lists() {
        let links = links("download_targets = [\"content.url\", \"content.targets.*.image\"]");
        let record = serde_json::json!({"content": {
            "url": "https://a.example/f",
            "targets": [{"image": "https://a.example/g"}, {"image": null}, {}],
        }});
        assert_eq!(find(&record, &links), ["https://a.example/f", "https://a.example/g"]);
        assert!(find(&serde_json::json!({"content": "text"}), &links).is_empty());
    }

    #[test]
    fn only_what_can_be_fetched_is_an_address_and_each_counts_once() {
        let links = links("markup = [\"content\"]");
        let text = "![a](data:image/png;base64,AAAA) <img src=\"cid:part1@x\"> <img src=\"/rel.png\">\
                    <img src=\"//c.example/1\"> ![b](HTTPS://c.example/2) <img src=\" https://c.example/\n3 \">\
                    ![c](https://c.example/1) ![d](javascript:alert)";
        let found = find(&serde_json::json!({ "content": text }), &links);
        assert_eq!(found, ["HTTPS://c.example/2", "https://c.example/1", "https://c.example/3"]);
    }

    #[test]
    fn every_kind_of_file_of_a_conversation_is_found() {
        let manifest = Manifest::built_in("crisp").expect("reads");
        let found = |stream: &str, content: serde_json::Value| {
            let record = serde_json::json!({ "content": content });
            let places = manifest.file_uploader.iter().filter(|place| place.stream == stream);
            places.flat_map(|place| find(&record, place)).collect::<Vec<_>>()
        };
        let url = "https://f.example/x";
        for (stream, content) in [
            (
                "messages",
                serde_json::json!({"name": "a.pdf", "url": url, "type": "application/pdf"}),
            ),
            ("messages", serde_json::json!({"url": url, "type": "audio/mpeg", "duration": 7})),
            ("messages", serde_json::json!({"url": url, "type": "image/gif"})),
            ("messages", serde_json::json!({"text": "t", "targets": [{"image": url}]})),
            ("messages", serde_json::json!({"text": format!("pick ![i]({url})"), "choices": []})),
            ("messages", format!("text or note ![i]({url})").into()),
            ("messages", format!("<img src='{url}'>").into()),
            ("originals", format!("<p><img src=\"{url}\"></p>").into()),
            ("helpdesk_article_bodies", format!("![i]({url} =10x10)").into()),
            ("helpdesk_page_contents", format!("![i]({url})").into()),
        ] {
            assert_eq!(found(stream, content.clone()), [url], "{stream} {content}");
        }
    }
}
