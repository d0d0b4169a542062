//! Walking one JSON document along a tree of paths, once, and handing out what lies at their ends.
//!
//! It is lenient: what does not fit a column is as if it were absent, and a text that is not JSON
//! gives nothing at all. It knows nothing of Arrow.

use std::borrow::Cow;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::json_spec::{Kind, Node, Spec};

/// What a column was given.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value<'a> {
    /// Text, or JSON as it stands.
    Text(Cow<'a, str>),
    /// A whole number.
    Int(i64),
    /// A number.
    Double(f64),
    /// A boolean.
    Bool(bool),
}

/// One document's values, by column, each with the rank of the path that gave it.
pub(crate) type Slots<'a> = Vec<Option<(usize, Value<'a>)>>;

/// Fills `slots`, which must be empty, and says whether the text is JSON of the expected shape: an
/// object when any path begins with a member. Otherwise every slot stays empty.
pub(crate) fn walk<'a>(text: &'a str, spec: &Spec, slots: &mut Slots<'a>) -> bool {
    let mut shape_fits = true;
    let mut reader = serde_json::Deserializer::from_str(text);
    let place =
        Place { node: &spec.root, kinds: spec, slots, is_root: true, shape_fits: &mut shape_fits };
    let is_json = place.deserialize(&mut reader).is_ok() && reader.end().is_ok();
    if !(is_json && shape_fits) {
        slots.iter_mut().for_each(|slot| *slot = None);
        return false;
    }
    true
}

struct Place<'s, 'a> {
    node: &'s Node,
    kinds: &'s Spec,
    slots: &'s mut Slots<'a>,
    is_root: bool,
    shape_fits: &'s mut bool,
}

impl<'a> Place<'_, 'a> {
    fn child<'t>(&'t mut self, node: &'t Node) -> Place<'t, 'a> {
        Place {
            node,
            kinds: self.kinds,
            slots: self.slots,
            is_root: false,
            shape_fits: self.shape_fits,
        }
    }

    fn take(&mut self, raw: &'a str) {
        for &(column, rank) in &self.node.targets {
            let is_better = match &self.slots[column] {
                Some((known, _)) => rank <= *known,
                None => true,
            };
            if is_better && let Some(value) = value_of(raw, self.kinds.columns[column].kind) {
                self.slots[column] = Some((rank, value));
            }
        }
    }
}

impl<'de> DeserializeSeed<'de> for Place<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(mut self, reader: D) -> Result<(), D::Error> {
        if self.node.targets.is_empty() {
            return reader.deserialize_any(self);
        }
        // A value that is wanted as it stands is cut out first; only when paths go on below it,
        // which is rare, is that piece looked into as well.
        let raw: &'de RawValue = serde::Deserialize::deserialize(reader)?;
        self.take(raw.get());
        if !self.node.is_leaf() && raw.get().starts_with(['{', '[']) {
            let mut piece = serde_json::Deserializer::from_str(raw.get());
            return piece.deserialize_any(self).map_err(serde::de::Error::custom);
        }
        Ok(())
    }
}

impl<'de> Visitor<'de> for Place<'_, 'de> {
    type Value = ();

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("any JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let node = self.node;
        while let Some(name) = map.next_key_seed(MemberOf(&node.members))? {
            match name {
                Some(place) => map.next_value_seed(self.child(&node.members[place].1))?,
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        let node = self.node;
        self.expect_no_members();
        for place in 0_usize.. {
            let found = match node.elements.iter().find(|(wanted, _)| *wanted == place) {
                Some((_, child)) => list.next_element_seed(self.child(child))?.is_some(),
                None => list.next_element::<IgnoredAny>()?.is_some(),
            };
            if !found {
                break;
            }
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        self.scalar()
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        self.scalar()
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        self.scalar()
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        self.scalar()
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        self.scalar()
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.scalar()
    }
}

impl Place<'_, '_> {
    fn scalar<E>(mut self) -> Result<(), E> {
        self.expect_no_members();
        Ok(())
    }

    fn expect_no_members(&mut self) {
        if self.is_root && !self.node.members.is_empty() {
            *self.shape_fits = false;
        }
    }
}

fn value_of(raw: &str, kind: Kind) -> Option<Value<'_>> {
    if raw == "null" {
        return None;
    }
    match kind {
        Kind::Text => text_of(raw).map(Value::Text),
        Kind::Json => Some(Value::Text(Cow::Borrowed(raw))),
        Kind::BigInt => whole_number(raw).map(Value::Int),
        Kind::Double => {
            raw.parse().ok().filter(|number: &f64| number.is_finite()).map(Value::Double)
        }
        Kind::Bool => raw.parse().ok().map(Value::Bool),
        Kind::Length => length_of(raw).map(Value::Int),
    }
}

/// Integers as integers, and numbers that happen to be whole, as in `1.7e12`, as far as a double
/// holds them exactly.
fn whole_number(raw: &str) -> Option<i64> {
    if let Ok(number) = raw.parse() {
        return Some(number);
    }
    let exact_max = 9_007_199_254_740_992.0;
    let number: f64 = raw.parse().ok()?;
    (number.fract() == 0.0 && number.abs() <= exact_max).then_some(number as i64)
}

fn length_of(raw: &str) -> Option<i64> {
    if !raw.starts_with('[') {
        return None;
    }
    let elements: Vec<IgnoredAny> = serde_json::from_str(raw).ok()?;
    i64::try_from(elements.len()).ok()
}

/// The text of a scalar: of a string its content, of a number or boolean its spelling.
pub(crate) fn text_of(raw: &str) -> Option<Cow<'_, str>> {
    let Some(inner) = raw.strip_prefix('"') else {
        let is_scalar = !raw.starts_with(['[', '{']) && raw != "null" && !raw.is_empty();
        return is_scalar.then_some(Cow::Borrowed(raw));
    };
    let inner = inner.strip_suffix('"')?;
    if inner.contains('\\') {
        Some(Cow::Owned(unescaped(inner)))
    } else {
        Some(Cow::Borrowed(inner))
    }
}

/// Resolves escapes. Half of a surrogate pair, which a careless cut through an emoji leaves behind,
/// and the character NUL, which databases refuse, become U+FFFD.
fn unescaped(inner: &str) -> String {
    let mut text = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(place) = rest.find('\\') {
        text.push_str(&rest[..place]);
        let escape = rest[place + 1..].chars().next().unwrap_or('\\');
        rest = rest.get(place + 1 + escape.len_utf8()..).unwrap_or("");
        match escape {
            'n' => text.push('\n'),
            't' => text.push('\t'),
            'r' => text.push('\r'),
            'b' => text.push('\u{8}'),
            'f' => text.push('\u{c}'),
            'u' => {
                let (letter, used) = code_point(rest);
                text.push(letter);
                rest = rest.get(used..).unwrap_or("");
            }
            other => text.push(other),
        }
    }
    text.push_str(rest);
    text
}

/// The character of four hex digits, or of a surrogate pair, and how many bytes it took.
fn code_point(rest: &str) -> (char, usize) {
    let unit = |place: usize| -> Option<u32> {
        rest.get(place..place + 4).and_then(|digits| u32::from_str_radix(digits, 16).ok())
    };
    let Some(first) = unit(0) else {
        return (char::REPLACEMENT_CHARACTER, 0);
    };
    let is_first_half = (0xd800..0xdc00).contains(&first) && rest.get(4..6) == Some("\\u");
    let second = unit(6).filter(|unit| is_first_half && (0xdc00..0xe000).contains(unit));
    if let Some(second) = second {
        let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        return (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 10);
    }
    let letter = char::from_u32(first).filter(|letter| *letter != '\0');
    (letter.unwrap_or(char::REPLACEMENT_CHARACTER), 4)
}

/// Finds a member's place without allocating its name.
struct MemberOf<'s>(&'s [(String, Node)]);

impl<'de> DeserializeSeed<'de> for MemberOf<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_str(self)
    }
}

impl Visitor<'_> for MemberOf<'_> {
    type Value = Option<usize>;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a member's name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|(known, _)| known == name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, list: &str, expected: &str) {
        let spec = Spec::parse(list).expect("well formed");
        let mut slots: Slots<'_> = vec![None; spec.columns.len()];
        let is_valid = walk(text, &spec, &mut slots);
        let shown: Vec<String> = slots
            .iter()
            .map(|slot| match slot {
                None => "-".to_owned(),
                Some((_, Value::Text(text))) => text.to_string(),
                Some((_, Value::Int(number))) => number.to_string(),
                Some((_, Value::Double(number))) => number.to_string(),
                Some((_, Value::Bool(flag))) => flag.to_string(),
            })
            .collect();
        let shown = format!("{is_valid}: {}", shown.join("; "));
        assert_eq!(shown, expected, "{text}");
    }

    #[test]
    fn values_are_taken_where_they_lie() {
        check(
            r#"{"a":{"b":"x\n\u00e9","n":12,"f":1.5,"t":true},"l":[{"k":"first"},2,3],"u":{}}"#,
            "b TEXT PATH $.a.b, n BIGINT PATH $.a.n, f DOUBLE PATH $.a.f, t BOOL PATH $.a.t, \
             k TEXT PATH $.l[0].k, l LENGTH PATH $.l, u JSON PATH $.u, no TEXT PATH $.z.z",
            "true: x\né; 12; 1.5; true; first; 3; {}; -",
        );
    }

    #[test]
    fn what_does_not_fit_is_absent_and_numbers_are_text_too() {
        check(
            r#"{"a":{"b":1},"n":"12","f":"1.5","t":1,"l":{},"s":12.10,"z":null}"#,
            "a TEXT PATH $.a, n BIGINT PATH $.n, f DOUBLE PATH $.f, t BOOL PATH $.t, \
             l LENGTH PATH $.l, s TEXT PATH $.s, z JSON PATH $.z",
            "true: -; -; -; -; -; 12.10; -",
        );
    }

    #[test]
    fn the_first_alternative_that_fits_wins_in_whatever_order_they_come() {
        let list = "id TEXT PATH $.from.id | $.from";
        check(r#"{"from":"plain"}"#, list, "true: plain");
        check(r#"{"from":{"id":"inner"}}"#, list, "true: inner");
        check(r#"{"b":2,"a":1}"#, "x BIGINT PATH $.a | $.b", "true: 1");
        check(r#"{"b":2,"a":"no"}"#, "x BIGINT PATH $.a | $.b", "true: 2");
    }

    #[test]
    fn a_bad_document_gives_nothing() {
        for text in ["", "{", r#"{"a":1"#, r#"{"a":1} x"#, "[1]", "7", "null", r#""a""#] {
            check(text, "a BIGINT PATH $.a", "false: -");
        }
        check("[1,2]", "n LENGTH PATH $", "true: 2");
    }

    #[test]
    fn odd_numbers_and_escapes_survive() {
        check(
            r#"{"big":9007199254740993,"neg":-333,"sci":1.7e12,"huge":1e999,"half":"x\ud83d","nul":"\u0000","pair":"\ud83d\ude00"}"#,
            "big BIGINT PATH $.big, neg BIGINT PATH $.neg, sci BIGINT PATH $.sci, \
             huge BIGINT PATH $.huge, half TEXT PATH $.half, nul TEXT PATH $.nul, pair TEXT PATH $.pair",
            "true: 9007199254740993; -333; 1700000000000; -; x\u{fffd}; \u{fffd}; 😀",
        );
    }
}
