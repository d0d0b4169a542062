//! Walking one JSON document along a tree of places, once, and handing out what lies there.
//!
//! It is lenient: what does not fit a column is as if it were absent, and a text that is not JSON
//! gives nothing at all. It knows nothing of Arrow.

use super::json_reader::{NotJson, Quoted, Reader};
use super::json_shape::{Leaf, Leaves};
use super::json_spec::Kind;
use super::json_tree::{PASSED, Target, Tree};

/// Levels that are looked into; what lies deeper is one piece.
const DEPTH_MAX: usize = 64;

/// What a column was given.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Value<'a> {
    /// Text, or JSON as it stands.
    Text(&'a str),
    /// Text with escapes in it.
    Escaped(Quoted<'a>),
    /// A whole number.
    Int(i64),
    /// A number.
    Double(f64),
    /// A boolean.
    Bool(bool),
}

/// One document's values, by column, each with the rank of the path that gave it.
pub(crate) type Slots<'a> = Vec<Option<(usize, Value<'a>)>>;

/// Fills `slots`, which must be empty, and `leaves`, and says whether the text is JSON of the
/// expected shape: an object when any path begins with a member. Otherwise every slot stays empty.
pub(crate) fn walk<'a>(
    text: &'a str,
    tree: &mut Tree,
    slots: &mut Slots<'a>,
    leaves: &mut Leaves,
) -> bool {
    leaves.begin();
    let mut walker = Walker { reader: Reader::new(text), tree, slots, leaves };
    let is_valid = walker.document().is_ok();
    if !is_valid {
        slots.iter_mut().for_each(|slot| *slot = None);
    }
    is_valid
}

struct Walker<'w, 'a> {
    reader: Reader<'a>,
    tree: &'w mut Tree,
    slots: &'w mut Slots<'a>,
    leaves: &'w mut Leaves,
}

impl<'a> Walker<'_, 'a> {
    fn document(&mut self) -> Result<(), NotJson> {
        if self.reader.peek() != b'{' && self.tree.wants_object() {
            return Err(NotJson);
        }
        self.value(Tree::ROOT, 0)?;
        self.reader.end()
    }

    fn value(&mut self, place: usize, depth: usize) -> Result<(), NotJson> {
        if place == PASSED {
            return self.reader.skip();
        }
        let first = self.reader.peek();
        let start = self.reader.at();
        let leaf = match first {
            b'"' => {
                let quoted = self.reader.string()?;
                let raw = self.reader.since(start);
                self.offer(place, |kind| of_string(kind, quoted, raw));
                Leaf::String
            }
            b'-' | b'0'..=b'9' => {
                let spelled = self.reader.number()?;
                self.offer(place, |kind| of_number(kind, spelled));
                Leaf::Number
            }
            b't' => self.boolean(place, "true", true)?,
            b'f' => self.boolean(place, "false", false)?,
            b'n' => {
                self.reader.word("null")?;
                Leaf::Null
            }
            b'{' => return self.object(place, depth),
            b'[' => return self.array(place, depth),
            _ => return Err(NotJson),
        };
        self.leaf(place, leaf);
        Ok(())
    }

    fn boolean(&mut self, place: usize, word: &'static str, flag: bool) -> Result<Leaf, NotJson> {
        self.reader.word(word)?;
        self.offer(place, |kind| match kind {
            Kind::Bool => Some(Value::Bool(flag)),
            Kind::Text | Kind::Json => Some(Value::Text(word)),
            _ => None,
        });
        Ok(Leaf::Boolean)
    }

    fn object(&mut self, place: usize, depth: usize) -> Result<(), NotJson> {
        let start = self.reader.at();
        if depth >= DEPTH_MAX || !self.tree.place(place).has_inner {
            self.reader.skip()?;
            self.leaf(place, Leaf::Object);
        } else {
            self.reader.pass();
            if self.reader.pass_if(b'}') {
                self.leaf(place, Leaf::Object);
            } else {
                self.members(place, depth)?;
            }
        }
        let raw = self.reader.since(start);
        self.offer(place, |kind| (kind == Kind::Json).then_some(Value::Text(raw)));
        Ok(())
    }

    fn members(&mut self, place: usize, depth: usize) -> Result<(), NotJson> {
        let mut before = None;
        loop {
            let (number, inner) = self.name(place, before)?;
            before = number.or(before);
            self.value(inner, depth + 1)?;
            match self.reader.peek() {
                b',' => self.reader.pass(),
                b'}' => break,
                _ => return Err(NotJson),
            }
        }
        self.reader.pass();
        Ok(())
    }

    /// Goes past a member's name: its number, and the place of its value.
    #[inline]
    fn name(
        &mut self,
        place: usize,
        before: Option<usize>,
    ) -> Result<(Option<usize>, usize), NotJson> {
        self.reader.peek();
        for (spelled, number, inner) in self.tree.guesses(place, before) {
            if self.reader.pass_bytes(spelled.as_bytes()) {
                return Ok((Some(number), inner));
            }
        }
        let name = self.reader.name()?;
        Ok(self.tree.member(place, before, &name.text()))
    }

    fn array(&mut self, place: usize, depth: usize) -> Result<(), NotJson> {
        let start = self.reader.at();
        let mut length = None;
        if depth >= DEPTH_MAX {
            self.reader.skip()?;
            self.leaf(place, Leaf::Array);
        } else {
            self.reader.pass();
            if self.reader.pass_if(b']') {
                self.leaf(place, Leaf::Array);
                length = Some(0);
            } else {
                length = i64::try_from(self.elements(place, depth)?).ok();
            }
        }
        let raw = self.reader.since(start);
        self.offer(place, |kind| match kind {
            Kind::Json => Some(Value::Text(raw)),
            Kind::Length => length.map(Value::Int),
            _ => None,
        });
        Ok(())
    }

    fn elements(&mut self, place: usize, depth: usize) -> Result<usize, NotJson> {
        for number in 0.. {
            let inner = self.tree.element(place, number);
            self.value(inner, depth + 1)?;
            match self.reader.peek() {
                b',' => self.reader.pass(),
                b']' => {
                    self.reader.pass();
                    return Ok(number + 1);
                }
                _ => break,
            }
        }
        Err(NotJson)
    }

    #[inline]
    fn leaf(&mut self, place: usize, leaf: Leaf) {
        if self.tree.has_shape() {
            self.leaves.note(place, leaf);
        }
    }

    #[inline]
    fn offer(&mut self, place: usize, value_for: impl Fn(Kind) -> Option<Value<'a>>) {
        for &Target { column, rank, kind } in &self.tree.place(place).targets {
            let slot = &mut self.slots[column];
            let is_better = slot.as_ref().is_none_or(|(known, _)| rank <= *known);
            if is_better && let Some(value) = value_for(kind) {
                *slot = Some((rank, value));
            }
        }
    }
}

fn of_string<'a>(kind: Kind, quoted: Quoted<'a>, raw: &'a str) -> Option<Value<'a>> {
    match kind {
        Kind::Text if quoted.is_escaped => Some(Value::Escaped(quoted)),
        Kind::Text => Some(Value::Text(quoted.inner)),
        Kind::Json => Some(Value::Text(raw)),
        _ => None,
    }
}

fn of_number(kind: Kind, spelled: &str) -> Option<Value<'_>> {
    match kind {
        Kind::Text | Kind::Json => Some(Value::Text(spelled)),
        Kind::BigInt => whole_number(spelled).map(Value::Int),
        Kind::Double => {
            spelled.parse().ok().filter(|number: &f64| number.is_finite()).map(Value::Double)
        }
        _ => None,
    }
}

/// Integers as integers, and numbers that happen to be whole, as in `1.7e12`, as far as a double
/// holds them exactly.
fn whole_number(spelled: &str) -> Option<i64> {
    if let Ok(number) = spelled.parse() {
        return Some(number);
    }
    let exact_max = 9_007_199_254_740_992.0;
    let number: f64 = spelled.parse().ok()?;
    (number.fract() == 0.0 && number.abs() <= exact_max).then_some(number as i64)
}
