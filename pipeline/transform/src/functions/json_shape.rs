//! The shape of a document: the path and type of each of its leaves, a line for each, sorted.
//!
//! Leaves are noted as numbers while a document is walked. Most documents have the same leaves as
//! one before them, whose text is then used again; the comparison is exact.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, DictionaryArray, Int32Array, StringArray};
use datafusion::arrow::error::ArrowError;

use super::json_tree::Tree;

/// Shapes that are remembered at most; the text of any other is made each time.
const SHAPES_MAX: usize = 10_000;

/// The type of a leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leaf {
    /// A string.
    String,
    /// A number.
    Number,
    /// true or false.
    Boolean,
    /// null.
    Null,
    /// An object without members.
    Object,
    /// An array without elements.
    Array,
}

impl Leaf {
    const ALL: [(Leaf, &str); 6] = [
        (Leaf::String, "string"),
        (Leaf::Number, "number"),
        (Leaf::Boolean, "boolean"),
        (Leaf::Null, "null"),
        (Leaf::Object, "object"),
        (Leaf::Array, "array"),
    ];
}

/// The leaves of one document, each once, in the order in which they came first.
#[derive(Debug, Default)]
pub(crate) struct Leaves {
    noted: Vec<u32>,
    /// For each leaf of any document, the document that had it last.
    stamps: Vec<u32>,
    document: u32,
}

impl Leaves {
    /// Begins a document.
    pub(crate) fn begin(&mut self) {
        self.noted.clear();
        if self.document == u32::MAX {
            self.stamps.fill(0);
            self.document = 0;
        }
        self.document += 1;
    }

    /// Notes what lies at a place.
    #[inline]
    pub(crate) fn note(&mut self, place: usize, leaf: Leaf) {
        let number = place * Leaf::ALL.len() + leaf as usize;
        if number >= self.stamps.len() {
            self.stamps.resize(number + Leaf::ALL.len(), 0);
        }
        if self.stamps[number] != self.document {
            self.stamps[number] = self.document;
            // A tree has fewer places than would be too many for the number.
            self.noted.push(number as u32);
        }
    }

    /// The text of these leaves, which were noted along `tree`.
    pub(crate) fn text(&self, tree: &Tree) -> String {
        let lines = self.noted.iter().map(|number| {
            let number = *number as usize;
            let (_, leaf) = Leaf::ALL[number % Leaf::ALL.len()];
            format!("{} {leaf}", tree.place(number / Leaf::ALL.len()).path)
        });
        let lines: BTreeSet<String> = lines.collect();
        lines.into_iter().collect::<Vec<_>>().join("\n")
    }
}

/// Every shape that was seen, with its text.
#[derive(Debug, Default)]
pub(crate) struct Shapes {
    known: HashMap<Box<[u32]>, usize>,
    texts: Vec<Arc<str>>,
    /// The leaves of the document before, and the number of its shape.
    last: (Vec<u32>, usize),
}

impl Shapes {
    /// The number of a shape, when it is one that is remembered.
    fn number_of(&mut self, leaves: &Leaves, tree: &Tree) -> Option<usize> {
        if leaves.noted == self.last.0 && !self.texts.is_empty() {
            return Some(self.last.1);
        }
        let number = match self.known.get(leaves.noted.as_slice()) {
            Some(number) => *number,
            None if self.known.len() >= SHAPES_MAX => return None,
            None => {
                let text = leaves.text(tree);
                let same = self.texts.iter().position(|known| **known == *text);
                let number = same.unwrap_or(self.texts.len());
                if same.is_none() {
                    self.texts.push(text.into());
                }
                self.known.insert(leaves.noted.clone().into(), number);
                number
            }
        };
        self.last.0.clone_from(&leaves.noted);
        self.last.1 = number;
        Some(number)
    }
}

/// A column of shapes: each text once, and a key for each row.
#[derive(Debug, Default)]
pub(crate) struct ShapeColumn {
    keys: Vec<Option<i32>>,
    texts: Vec<Arc<str>>,
    /// For each remembered shape, its key in this column.
    key_of: Vec<Option<i32>>,
}

impl ShapeColumn {
    /// Adds a row without a shape.
    pub(crate) fn append_null(&mut self) {
        self.keys.push(None);
    }

    /// Adds the shape of a document that was walked along `tree`.
    pub(crate) fn append(&mut self, leaves: &Leaves, tree: &Tree, shapes: &mut Shapes) {
        let Some(number) = shapes.number_of(leaves, tree) else {
            return self.append_text(leaves.text(tree));
        };
        if number >= self.key_of.len() {
            self.key_of.resize(number + 1, None);
        }
        let key = match self.key_of[number] {
            Some(key) => key,
            None => self.key_for(shapes.texts[number].clone()),
        };
        self.key_of[number] = Some(key);
        self.keys.push(Some(key));
    }

    /// Adds a shape that is not remembered.
    pub(crate) fn append_text(&mut self, text: String) {
        let key = self.key_for(text.into());
        self.keys.push(Some(key));
    }

    fn key_for(&mut self, text: Arc<str>) -> i32 {
        self.texts.push(text);
        // A batch has fewer rows than would be too many for the key.
        self.texts.len() as i32 - 1
    }

    /// The column.
    pub(crate) fn finish(self) -> Result<ArrayRef, ArrowError> {
        let texts = StringArray::from_iter_values(self.texts);
        let keys = Int32Array::from(self.keys);
        Ok(Arc::new(DictionaryArray::try_new(keys, Arc::new(texts))?))
    }
}
