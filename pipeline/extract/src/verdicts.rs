//! What a status means, by the manifest's rules and, where it has none, by custom.

use http::Verdict;

use crate::manifest::{Action, Manifest, Stream};

/// The rules for the replies to one question; the first one that fits holds.
pub(crate) struct Rules(Vec<Rule>);

struct Rule {
    status: u16,
    /// What the body must contain.
    text: Option<String>,
    verdict: Verdict,
}

impl Rules {
    /// The rules of a stream; `end_http_codes` end the list before anything else is considered.
    pub(crate) fn of(manifest: &Manifest, stream: &Stream, end_http_codes: &[u16]) -> Self {
        let plain = |status: u16, verdict: Verdict| Rule { status, text: None, verdict };
        let ends = end_http_codes.iter().map(|code| plain(*code, Verdict::Ignore));
        let refused = stream.on_refused.map(|action| plain(403, verdict_of(action)));
        // A record that was merged into another one answers with where that is.
        let missing = stream
            .on_missing
            .into_iter()
            .flat_map(|action| [301, 404, 410].map(|code| plain(code, verdict_of(action))));
        let general = manifest.error_handler.iter().flat_map(|rule| {
            let text = Some(rule.error_message_contains.clone()).filter(|text| !text.is_empty());
            let verdict = verdict_of(rule.action);
            rule.http_codes.iter().map(move |code| Rule {
                status: *code,
                text: text.clone(),
                verdict,
            })
        });
        Self(ends.chain(refused).chain(missing).chain(general).collect())
    }

    /// What to make of a reply.
    pub(crate) fn judge(&self, status: u16, body: &[u8]) -> Verdict {
        let holds = |rule: &Rule| {
            let contains = |text: &String| String::from_utf8_lossy(body).contains(text.as_str());
            rule.status == status && rule.text.as_ref().is_none_or(contains)
        };
        match (self.0.iter().find(|rule| holds(rule)), status) {
            (Some(rule), _) => rule.verdict,
            (None, 200..=299) => Verdict::Success,
            (None, 429) => Verdict::RateLimited,
            (None, 408 | 425 | 500..=599) => Verdict::Retry,
            (None, _) => Verdict::Fail,
        }
    }
}

fn verdict_of(action: Action) -> Verdict {
    match action {
        Action::Success => Verdict::Success,
        Action::Ignore => Verdict::Ignore,
        Action::Gap => Verdict::Gap,
        Action::RateLimited => Verdict::RateLimited,
        Action::QuotaExhausted => Verdict::QuotaExhausted,
        Action::Retry => Verdict::Retry,
        Action::Fail => Verdict::Fail,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::tests::{NO_AUTH, sample};

    #[test]
    fn the_nearest_rule_holds_and_custom_where_there_is_none() {
        let more = format!(
            "{NO_AUTH}\nerror_handler = [{{ http_codes = [404, 420], error_message_contains = \"slow\", action = \"RATE_LIMITED\" }}, {{ http_codes = [403], action = \"RETRY\" }}]"
        );
        let stream = "[[streams]]\nname = \"s\"\npath = \"/\"\nkey = [\"x\"]\non_refused = \"GAP\"";
        let manifest = sample(&more, stream).expect("reads");
        let rules = |ends: &[u16]| Rules::of(&manifest, &manifest.streams[0], ends);
        let judge = |status: u16, body: &str| rules(&[]).judge(status, body.as_bytes());
        assert_eq!(judge(403, ""), Verdict::Gap, "the stream's own rule comes first");
        assert_eq!(judge(420, "too slow"), Verdict::RateLimited);
        assert_eq!(judge(420, "other"), Verdict::Fail);
        assert_eq!(judge(404, "too slow"), Verdict::RateLimited);
        assert_eq!(rules(&[404]).judge(404, b"too slow"), Verdict::Ignore);
        assert_eq!(judge(206, ""), Verdict::Success);
        assert_eq!(judge(429, ""), Verdict::RateLimited);
        assert_eq!(judge(503, ""), Verdict::Retry);
        assert_eq!(judge(418, ""), Verdict::Fail);
    }

    #[test]
    fn a_record_that_moved_or_went_is_missing_and_a_list_that_moved_is_a_fault() {
        let judged = |more: &str, status: u16| {
            let stream = format!("[[streams]]\nname = \"s\"\npath = \"/\"\nkey = [\"x\"]\n{more}");
            let manifest = sample(NO_AUTH, &stream).expect("reads");
            Rules::of(&manifest, &manifest.streams[0], &[]).judge(status, b"")
        };
        for status in [301, 404, 410] {
            assert_eq!(judged("on_missing = \"GAP\"", status), Verdict::Gap);
            assert_eq!(judged("", status), Verdict::Fail);
        }
    }
}
