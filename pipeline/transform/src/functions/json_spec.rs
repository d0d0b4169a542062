//! The column list of `json_row`, in the style of SQL's `json_table`:
//! `name TYPE PATH $.a.b | $.other, …`.
//!
//! It turns the text into columns and into a tree of paths that a document is walked along. A
//! column of type SHAPE stands for the whole document: `shape SHAPE PATH $ MAPS $.data | $.x`. It
//! knows nothing of documents.

use datafusion::arrow::datatypes::DataType;

use super::json_path::{self, Step};

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
    /// The paths of all the document's leaves with their types, a line for each.
    Shape,
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
            "SHAPE" => Kind::Shape,
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
            // Few documents have a shape of their own.
            Kind::Shape => {
                DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
            }
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
    fn at(&mut self, path: &[Step]) -> Option<&mut Node> {
        let Some((step, rest)) = path.split_first() else {
            return Some(self);
        };
        let child = match step {
            Step::Member(name) => child_of(&mut self.members, name),
            Step::Element(place) => child_of(&mut self.elements, place),
            Step::AnyMember | Step::AnyElement => return None,
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

/// A whole column list.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Spec {
    /// The columns, in order.
    pub(crate) columns: Vec<Column>,
    /// Where their values come from.
    pub(crate) root: Node,
    /// Objects whose members are data and not fields, by path; `None` when no column wants the
    /// shape of the document.
    pub(crate) maps: Option<Vec<Vec<Step>>>,
}

impl Spec {
    /// Reads a column list.
    ///
    /// # Errors
    /// One sentence that names the column at fault.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut spec = Self { columns: Vec::new(), root: Node::default(), maps: None };
        for part in text.split(',') {
            let (column, paths) = parse_column(part.trim())?;
            let mut known = spec.columns.iter().map(|known| &known.name);
            if column.name == "is_valid" || known.any(|name| *name == column.name) {
                return Err(format!("column {} is named twice", column.name));
            }
            spec.add(column, paths)?;
        }
        Ok(spec)
    }

    fn add(&mut self, column: Column, paths: &str) -> Result<(), String> {
        let no_path = |path: &str| format!("{path:?} of column {} is not a path", column.name);
        if column.kind == Kind::Shape {
            if self.maps.is_some() {
                return Err(format!("column {} is a second SHAPE", column.name));
            }
            let maps = maps_after_root(paths).ok_or_else(|| {
                format!("column {} is not of the form: name SHAPE PATH $ MAPS $.path", column.name)
            })?;
            let maps = maps.split('|').map(str::trim).filter(|path| !path.is_empty());
            let maps = maps.map(|path| json_path::parse(path).ok_or_else(|| no_path(path)));
            self.maps = Some(maps.collect::<Result<_, _>>()?);
        } else {
            for (rank, path) in paths.split('|').map(str::trim).enumerate() {
                let steps = json_path::parse(path).ok_or_else(|| no_path(path))?;
                let node = self.root.at(&steps).ok_or_else(|| no_path(path))?;
                node.targets.push((self.columns.len(), rank));
            }
        }
        self.columns.push(column);
        Ok(())
    }
}

fn parse_column(text: &str) -> Result<(Column, &str), String> {
    let wrong = || format!("{text:?} is not of the form: name TYPE PATH $.path");
    let (name, rest) = text.split_once(char::is_whitespace).ok_or_else(wrong)?;
    let (kind, rest) = rest.trim().split_once(char::is_whitespace).ok_or_else(wrong)?;
    let (word, paths) = rest.trim().split_once(char::is_whitespace).ok_or_else(wrong)?;
    if !word.eq_ignore_ascii_case("path") {
        return Err(wrong());
    }
    let kind = Kind::named(kind).ok_or_else(|| format!("column {name} has no type {kind:?}"))?;
    Ok((Column { name: name.to_owned(), kind }, paths))
}

/// What follows MAPS, when the text is `$` or `$ MAPS …`.
fn maps_after_root(text: &str) -> Option<&str> {
    let rest = text.trim().strip_prefix('$')?;
    if rest.is_empty() {
        return Some("");
    }
    let (word, maps) =
        rest.strip_prefix(char::is_whitespace)?.trim().split_once(char::is_whitespace)?;
    word.eq_ignore_ascii_case("maps").then_some(maps)
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
    fn a_shape_names_its_maps() {
        let maps_of = |list: &str| Spec::parse(list).expect(list).maps;
        assert_eq!(maps_of("a TEXT PATH $.a"), None);
        assert_eq!(maps_of("s SHAPE PATH $"), Some(vec![]));
        let maps = maps_of("s SHAPE PATH $\n maps $.a.b | $.c[], n TEXT PATH $.n").expect("some");
        assert_eq!(maps.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, part) in [
            ("id TEXT", "not of the form"),
            ("id TEKST PATH $.id", "no type"),
            ("id TEXT PATH id", "not a path"),
            ("id TEXT PATH $..id", "not a path"),
            ("id TEXT PATH $.a, id TEXT PATH $.b", "named twice"),
            ("id TEXT PATH $.a[]", "not a path"),
            ("id SHAPE PATH $.a", "not of the form"),
            ("id SHAPE PATH $ MAP $.a", "not of the form"),
            ("id SHAPE PATH $ MAPS a", "not a path"),
            ("a SHAPE PATH $, b SHAPE PATH $", "a second SHAPE"),
        ] {
            let found = Spec::parse(text).expect_err(text);
            assert!(found.contains(part), "{text}: {found}");
        }
    }
}
