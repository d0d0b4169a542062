//! The column list of `json_row`, in the style of SQL's `json_table`:
//! `name TYPE PATH $.a.b | $.other, …`.
//!
//! It turns the text into columns and into a tree of paths that a document is walked along. It
//! knows nothing of documents.

use datafusion::arrow::datatypes::DataType;

/// What a column takes from the place its path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A string, or a number or boolean as it is spelled.
    Text,
    /// A whole number.
    BigInt,
    /// A number.
    Double,
    /// true or false.
    Bool,
    /// Any value but null, as it stands in the document.
    Json,
    /// How many elements an array has.
    Length,
}

impl Kind {
    fn named(word: &str) -> Option<Self> {
        Some(match word.to_ascii_uppercase().as_str() {
            "TEXT" => Kind::Text,
            "BIGINT" => Kind::BigInt,
            "DOUBLE" => Kind::Double,
            "BOOL" => Kind::Bool,
            "JSON" => Kind::Json,
            "LENGTH" => Kind::Length,
            _ => return None,
        })
    }

    /// The type of the column.
    pub(crate) fn data_type(self) -> DataType {
        match self {
            Kind::Text | Kind::Json => DataType::Utf8,
            Kind::BigInt | Kind::Length => DataType::Int64,
            Kind::Double => DataType::Float64,
            Kind::Bool => DataType::Boolean,
        }
    }
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    /// Its name.
    pub(crate) name: String,
    /// What it takes.
    pub(crate) kind: Kind,
}

/// A place in the tree of paths.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Node {
    /// Members of an object that paths go through.
    pub(crate) members: Vec<(String, Node)>,
    /// Elements of an array that paths go through.
    pub(crate) elements: Vec<(usize, Node)>,
    /// Columns that end here, with the rank of the alternative (0 is the preferred one).
    pub(crate) targets: Vec<(usize, usize)>,
}

impl Node {
    /// Whether only whole values are taken here.
    pub(crate) fn is_leaf(&self) -> bool {
        self.members.is_empty() && self.elements.is_empty()
    }

    fn at(&mut self, path: &[Step]) -> &mut Node {
        let Some((step, rest)) = path.split_first() else {
            return self;
        };
        let child = match step {
            Step::Member(name) => child_of(&mut self.members, name),
            Step::Element(place) => child_of(&mut self.elements, place),
        };
        child.at(rest)
    }
}

fn child_of<'a, K: Clone + PartialEq>(children: &'a mut Vec<(K, Node)>, key: &K) -> &'a mut Node {
    let place = children.iter().position(|(known, _)| known == key);
    let place = place.unwrap_or_else(|| {
        children.push((key.clone(), Node::default()));
        children.len() - 1
    });
    &mut children[place].1
}

enum Step {
    Member(String),
    Element(usize),
}

/// A whole column list.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Spec {
    /// The columns, in order.
    pub(crate) columns: Vec<Column>,
    /// Where their values come from.
    pub(crate) root: Node,
}

impl Spec {
    /// Reads a column list.
    ///
    /// # Errors
    /// One sentence that names the column at fault.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut columns: Vec<Column> = Vec::new();
        let mut root = Node::default();
        for part in text.split(',') {
            let (column, paths) = parse_column(part.trim())?;
            if column.name == "is_valid" || columns.iter().any(|known| known.name == column.name) {
                return Err(format!("column {} is named twice", column.name));
            }
            for (rank, path) in paths.iter().enumerate() {
                let node = root.at(&parse_path(path)
                    .ok_or_else(|| format!("{path:?} of column {} is not a path", column.name))?);
                node.targets.push((columns.len(), rank));
            }
            columns.push(column);
        }
        Ok(Self { columns, root })
    }
}

fn parse_column(text: &str) -> Result<(Column, Vec<&str>), String> {
    let wrong = || format!("{text:?} is not of the form: name TYPE PATH $.path");
    let (name, rest) = text.split_once(char::is_whitespace).ok_or_else(wrong)?;
    let (kind, rest) = rest.trim().split_once(char::is_whitespace).ok_or_else(wrong)?;
    let (word, paths) = rest.trim().split_once(char::is_whitespace).ok_or_else(wrong)?;
    if !word.eq_ignore_ascii_case("path") {
        return Err(wrong());
    }
    let kind = Kind::named(kind).ok_or_else(|| format!("column {name} has no type {kind:?}"))?;
    let column = Column { name: name.to_owned(), kind };
    Ok((column, paths.split('|').map(str::trim).collect()))
}

fn parse_path(text: &str) -> Option<Vec<Step>> {
    let mut rest = text.strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            let (name, tail) = after.split_at(end);
            if name.is_empty() || name.contains(char::is_whitespace) {
                return None;
            }
            steps.push(Step::Member(name.to_owned()));
            rest = tail;
        } else {
            let (place, tail) = rest.strip_prefix('[')?.split_once(']')?;
            steps.push(Step::Element(place.parse().ok()?));
            rest = tail;
        }
    }
    Some(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_names_columns_types_and_alternatives() {
        let spec = Spec::parse(
            "id TEXT PATH $.from.id | $.from,
             tags LENGTH PATH $.tags, first text path $.tags[0].name",
        )
        .expect("well formed");
        let names: Vec<&str> = spec.columns.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["id", "tags", "first"]);
        let (_, from) = &spec.root.members[0];
        assert_eq!(from.targets, [(0, 1)]);
        assert_eq!(from.members[0].1.targets, [(0, 0)]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, part) in [
            ("id TEXT", "not of the form"),
            ("id TEKST PATH $.id", "no type"),
            ("id TEXT PATH id", "not a path"),
            ("id TEXT PATH $..id", "not a path"),
            ("id TEXT PATH $.a, id TEXT PATH $.b", "named twice"),
        ] {
            let found = Spec::parse(text).expect_err(text);
            assert!(found.contains(part), "{text}: {found}");
        }
    }
}
