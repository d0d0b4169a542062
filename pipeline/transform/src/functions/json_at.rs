//! `json_at(raw, path)`: the first value that lies at a path, as it stands in the document.
//!
//! A path may stand for many places, as `$.targets[].title` does; documents are read only as far as
//! the first of them.

use datafusion::arrow::array::StringArray;

use super::json_path::{self, Step};
use super::json_reader::{NotJson, Reader};

/// The values, one for each document and path.
pub(crate) fn values(documents: &StringArray, paths: &StringArray) -> StringArray {
    let mut known: (&str, Option<Vec<Step>>) = ("", None);
    let pairs = documents.iter().zip(paths);
    let values = pairs.map(|(document, path)| {
        let (document, path) = (document?, path?);
        if known.0 != path {
            known = (path, json_path::parse(path));
        }
        first_at(&mut Reader::new(document), known.1.as_deref()?).ok().flatten()
    });
    values.collect()
}

fn first_at<'a>(reader: &mut Reader<'a>, path: &[Step]) -> Result<Option<&'a str>, NotJson> {
    let first = reader.peek();
    let Some((step, rest)) = path.split_first() else {
        let start = reader.at();
        reader.skip()?;
        return Ok(Some(reader.since(start)));
    };
    match (first, step) {
        (b'{', Step::Member(_) | Step::AnyMember) => in_parts(reader, b'}', rest, |reader, _| {
            let name = reader.name()?;
            Ok(match step {
                Step::Member(wanted) => name.text() == wanted.as_str(),
                _ => true,
            })
        }),
        (b'[', Step::Element(_) | Step::AnyElement) => in_parts(reader, b']', rest, |_, number| {
            Ok(match step {
                Step::Element(wanted) => *wanted == number,
                _ => true,
            })
        }),
        _ => {
            reader.skip()?;
            Ok(None)
        }
    }
}

/// Looks into the parts of an object or array that `is_wanted` picks.
fn in_parts<'a>(
    reader: &mut Reader<'a>,
    close: u8,
    path: &[Step],
    is_wanted: impl Fn(&mut Reader<'a>, usize) -> Result<bool, NotJson>,
) -> Result<Option<&'a str>, NotJson> {
    reader.pass();
    if reader.pass_if(close) {
        return Ok(None);
    }
    for number in 0.. {
        if is_wanted(reader, number)? {
            if let Some(value) = first_at(reader, path)? {
                return Ok(Some(value));
            }
        } else {
            reader.skip()?;
        }
        if !reader.pass_if(b',') {
            break;
        }
    }
    if reader.pass_if(close) { Ok(None) } else { Err(NotJson) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(document: &str, path: &str, expected: Option<&str>) {
        let (documents, paths) = (vec![Some(document)], vec![Some(path)]);
        let found = values(&StringArray::from(documents), &StringArray::from(paths));
        assert_eq!(found.iter().next().flatten(), expected, "{path} of {document}");
    }

    #[test]
    fn the_first_value_at_a_path_is_given_as_it_stands() {
        let document =
            r#"{"a": {"x.y" : 1.50, "z":{"k":"é\n"}}, "l":[{}, {"k": [2, 3]}], "n":null}"#;
        check(document, "$.l", Some(r#"[{}, {"k": [2, 3]}]"#));
        check(document, "$.l[].k[]", Some("2"));
        check(document, "$.l[1].k[1]", Some("3"));
        check(document, "$.a[\"x.y\"]", Some("1.50"));
        check(document, "$.a.*.k", Some(r#""é\n""#));
        check(document, "$.n", Some("null"));
        check(document, "$", Some(document));
    }

    #[test]
    fn where_nothing_lies_nothing_is_given() {
        for path in ["$.b", "$.a.b", "$.l[7]", "$.n.x", "$.l.k", "$.*.q", "no path", ""] {
            check(r#"{"a":1,"l":[2],"n":null}"#, path, None);
        }
        check(r#"{"a":"#, "$.a", None);
        check("", "$", None);
    }
}
