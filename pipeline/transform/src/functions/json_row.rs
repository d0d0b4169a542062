//! `json_row(raw, 'name TYPE PATH $.path, …')`: one document, read once, as a struct.
//!
//! The extra field `is_valid` says whether the text was JSON of the expected shape. The column list
//! must be a literal, because it decides the type of the result. What was learned of documents is
//! kept from batch to batch, and changes nothing but the time it takes.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::arrow::array::{
    Array, ArrayRef, BooleanBuilder, Float64Builder, Int64Builder, StringArray, StringBuilder,
    StructArray,
};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion::common::cast::as_string_array;
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::json_shape::{Leaves, ShapeColumn, Shapes};
use super::json_spec::{Kind, Spec};
use super::json_tree::{PLACES_MAX, Tree};
use super::json_walk::{Slots, Value, walk};

/// Column lists that are remembered at most: a build has some dozens, questions may have any number.
const LISTS_MAX: usize = 256;

/// The function, with a count of the documents it has read.
#[derive(Debug)]
pub(crate) struct JsonRow {
    signature: Signature,
    documents: Arc<AtomicU64>,
    lists: Mutex<HashMap<String, Arc<List>>>,
}

impl JsonRow {
    /// The function; `documents` is raised by one for each document it reads.
    pub(crate) fn counting(documents: Arc<AtomicU64>) -> Self {
        let texts = vec![DataType::Utf8, DataType::Utf8];
        let signature = Signature::exact(texts, Volatility::Immutable);
        Self { signature, documents, lists: Mutex::default() }
    }

    /// A column list, read once.
    fn list(&self, text: &str) -> Result<Arc<List>, String> {
        let mut lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(list) = lists.get(text) {
            return Ok(list.clone());
        }
        let list = Arc::new(List::new(Spec::parse(text)?));
        if lists.len() >= LISTS_MAX {
            lists.clear();
        }
        lists.insert(text.to_owned(), list.clone());
        Ok(list)
    }
}

// There is one such function; its counter is no part of what it is.
impl PartialEq for JsonRow {
    fn eq(&self, other: &Self) -> bool {
        self.signature == other.signature
    }
}

impl Eq for JsonRow {}

impl Hash for JsonRow {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

impl ScalarUDFImpl for JsonRow {
    fn name(&self) -> &str {
        "json_row"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        plan_err!("json_row needs its column list as a literal")
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let Some(Some(ScalarValue::Utf8(Some(list)))) = args.scalar_arguments.get(1) else {
            return plan_err!("json_row needs its column list as a literal");
        };
        match self.list(list) {
            Ok(list) => {
                let fields = DataType::Struct(list.fields.clone());
                Ok(Arc::new(Field::new(self.name(), fields, true)))
            }
            Err(reason) => plan_err!("json_row: {reason}"),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let ColumnarValue::Scalar(ScalarValue::Utf8(Some(list))) = &args.args[1] else {
            return exec_err!("json_row needs its column list as a literal");
        };
        let list = match self.list(list) {
            Ok(list) => list,
            Err(reason) => return exec_err!("json_row: {reason}"),
        };
        let documents = args.args[0].to_array(args.number_rows)?;
        let documents = as_string_array(&documents)?;
        let read = (documents.len() - documents.null_count()) as u64;
        self.documents.fetch_add(read, Ordering::Relaxed);
        Ok(ColumnarValue::Array(Arc::new(list.rows_of(documents)?)))
    }
}

fn fields_of(spec: &Spec) -> Fields {
    let columns = spec.columns.iter();
    let columns = columns.map(|column| Field::new(&column.name, column.kind.data_type(), true));
    let is_valid = Field::new("is_valid", DataType::Boolean, true);
    columns.chain(std::iter::once(is_valid)).collect()
}

/// A column list, and what was learned of the documents that it was applied to.
#[derive(Debug)]
struct List {
    spec: Spec,
    fields: Fields,
    /// One for each thread that has used the list at the same time as another.
    learned: Mutex<Vec<Learned>>,
}

impl List {
    fn new(spec: Spec) -> Self {
        Self { fields: fields_of(&spec), spec, learned: Mutex::default() }
    }

    fn rows_of(&self, documents: &StringArray) -> Result<StructArray> {
        let known = || self.learned.lock().unwrap_or_else(PoisonError::into_inner);
        let learned = known().pop();
        let mut learned = learned.unwrap_or_else(|| Learned::nothing(&self.spec, PLACES_MAX));
        let rows = self.rows_with(documents, &mut learned);
        known().push(learned);
        rows
    }

    fn rows_with(&self, documents: &StringArray, learned: &mut Learned) -> Result<StructArray> {
        let kinds = self.spec.columns.iter().map(|column| column.kind);
        let mut builders: Vec<Builder> =
            kinds.map(|kind| Builder::new(kind, documents.len())).collect();
        let mut is_valid = BooleanBuilder::with_capacity(documents.len());
        let mut slots: Slots<'_> = vec![None; builders.len()];
        for document in documents {
            let document = document.filter(|text| learned.walk(text, &mut slots));
            is_valid.append_value(document.is_some());
            for (builder, slot) in builders.iter_mut().zip(&mut slots) {
                match (builder, document) {
                    (Builder::Shape(shapes), None) => shapes.append_null(),
                    (Builder::Shape(shapes), Some(text)) => learned.note(shapes, text, &self.spec),
                    (builder, _) => builder.append(slot.take().map(|(_, value)| value)),
                }
            }
        }
        let mut columns = builders.into_iter().map(Builder::finish).collect::<Result<Vec<_>>>()?;
        columns.push(Arc::new(is_valid.finish()));
        Ok(StructArray::try_new(self.fields.clone(), columns, None)?)
    }
}

#[derive(Debug)]
struct Learned {
    tree: Tree,
    leaves: Leaves,
    shapes: Shapes,
}

impl Learned {
    fn nothing(spec: &Spec, places_max: usize) -> Self {
        let tree = Tree::new(spec, places_max);
        Self { tree, leaves: Leaves::default(), shapes: Shapes::default() }
    }

    fn walk<'a>(&mut self, text: &'a str, slots: &mut Slots<'a>) -> bool {
        self.tree.is_full = false;
        walk(text, &mut self.tree, slots, &mut self.leaves)
    }

    /// Adds the shape of the document that was walked just now. When there was no room to note all
    /// of its places, it is walked again with all the room it needs.
    fn note(&mut self, column: &mut ShapeColumn, text: &str, spec: &Spec) {
        if self.tree.is_full {
            let mut alone = Self::nothing(spec, usize::MAX);
            alone.walk(text, &mut vec![None; spec.columns.len()]);
            column.append_text(alone.leaves.text(&alone.tree));
        } else {
            column.append(&self.leaves, &self.tree, &mut self.shapes);
        }
    }
}

enum Builder {
    Text(StringBuilder),
    Int(Int64Builder),
    Double(Float64Builder),
    Bool(BooleanBuilder),
    Shape(ShapeColumn),
}

impl Builder {
    fn new(kind: Kind, rows: usize) -> Self {
        match kind {
            // Most texts of a row are a small part of its document.
            Kind::Text | Kind::Json => Builder::Text(StringBuilder::with_capacity(rows, rows * 24)),
            Kind::BigInt | Kind::Length => Builder::Int(Int64Builder::with_capacity(rows)),
            Kind::Double => Builder::Double(Float64Builder::with_capacity(rows)),
            Kind::Bool => Builder::Bool(BooleanBuilder::with_capacity(rows)),
            Kind::Shape => Builder::Shape(ShapeColumn::default()),
        }
    }

    fn append(&mut self, value: Option<Value<'_>>) {
        match (self, value) {
            (Builder::Text(texts), Some(Value::Text(text))) => texts.append_value(text),
            (Builder::Text(texts), Some(Value::Escaped(quoted))) => {
                texts.append_value(quoted.text());
            }
            (Builder::Text(texts), _) => texts.append_null(),
            (Builder::Int(numbers), Some(Value::Int(number))) => numbers.append_value(number),
            (Builder::Int(numbers), _) => numbers.append_null(),
            (Builder::Double(numbers), Some(Value::Double(number))) => {
                numbers.append_value(number);
            }
            (Builder::Double(numbers), _) => numbers.append_null(),
            (Builder::Bool(flags), Some(Value::Bool(flag))) => flags.append_value(flag),
            (Builder::Bool(flags), _) => flags.append_null(),
            (Builder::Shape(shapes), _) => shapes.append_null(),
        }
    }

    fn finish(self) -> Result<ArrayRef> {
        Ok(match self {
            Builder::Text(mut texts) => Arc::new(texts.finish()),
            Builder::Int(mut numbers) => Arc::new(numbers.finish()),
            Builder::Double(mut numbers) => Arc::new(numbers.finish()),
            Builder::Bool(mut flags) => Arc::new(flags.finish()),
            Builder::Shape(shapes) => shapes.finish()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::AsArray;
    use datafusion::arrow::compute::cast;
    use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};

    use super::*;

    fn list(text: &str) -> List {
        List::new(Spec::parse(text).expect("well formed"))
    }

    /// Reads a document three times, so that what was learned of it is used.
    fn check(document: &str, text: &str, expected: &str) {
        let documents = StringArray::from(vec![document; 3]);
        let rows = list(text).rows_of(&documents).expect("is read");
        let options = FormatOptions::new().with_null("-");
        for row in 0..3 {
            let shown = rows.columns().iter().map(|column| {
                ArrayFormatter::try_new(column, &options).expect("shown").value(row).to_string()
            });
            let mut shown: Vec<String> = shown.collect();
            let is_valid = shown.pop().expect("is_valid comes last");
            assert_eq!(format!("{is_valid}: {}", shown.join("; ")), expected, "{document}");
        }
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
        check(r#"{"a":1,"a":2}"#, "x BIGINT PATH $.a", "true: 2");
    }

    #[test]
    fn a_bad_document_gives_nothing() {
        for text in ["", "{", r#"{"a":1"#, r#"{"a":1} x"#, "[1]", "7", "null", r#""a""#] {
            check(text, "a BIGINT PATH $.a, s SHAPE PATH $", "false: -; -");
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

    #[test]
    fn a_shape_has_a_line_for_each_leaf() {
        let list = "s SHAPE PATH $ MAPS $.meta.data | $.list[].more, one TEXT PATH $.list[0].k";
        check(
            r#"{"z":null,"meta":{"data":{"x1":"a","x2":2,"x3":{"y":1},"x4":"b"},"data2":{}},"list":[{"k":"v"},{"k":1,"more":{"q":[]}},[],[[true]],{}],"odd.name":"é\"","":1}"#,
            list,
            "true: $.list[] array\n$.list[] object\n$.list[].k number\n$.list[].k string\n\
             $.list[].more.* array\n$.list[][][] boolean\n$.meta.data.* number\n\
             $.meta.data.* string\n$.meta.data.*.y number\n$.meta.data2 object\n\
             $.z null\n$[\"\"] number\n$[\"odd.name\"] string; v",
        );
        check("7", "s SHAPE PATH $", "true: $ number");
        check("[]", "s SHAPE PATH $", "true: $ array");
    }

    #[test]
    fn names_are_what_they_mean_however_they_are_spelled() {
        let documents = StringArray::from(vec![
            r#"{"a":1,"b":2}"#,
            r#"{ "a" : 1 , "b" : 2 }"#,
            r#"{"\u0061":1,"\u0062":2}"#,
            r#"{"b":2,"a":1}"#,
            r#"{"b":2,"c\"":0,"a":1}"#,
            r#"{"b":2,"a":1,"b":2}"#,
        ]);
        let rows = list("b BIGINT PATH $.b, s SHAPE PATH $").rows_of(&documents).expect("is read");
        let numbers = rows.column(0).as_primitive::<datafusion::arrow::datatypes::Int64Type>();
        assert_eq!(numbers.values(), &[2; 6]);
        let shapes = cast(rows.column(1), &DataType::Utf8).expect("is text");
        let shapes: Vec<&str> = shapes.as_string::<i32>().iter().flatten().collect();
        let odd = "$.a number\n$.b number\n$[\"c\\\"\"] number";
        let plain = "$.a number\n$.b number";
        assert_eq!(shapes, [plain, plain, plain, plain, odd, plain]);
        let distinct = rows.column(1).as_dictionary::<datafusion::arrow::datatypes::Int32Type>();
        assert_eq!(distinct.values().len(), 2);
    }

    #[test]
    fn shapes_stay_right_when_there_are_more_than_are_remembered() {
        let names = 0..PLACES_MAX + 2_000;
        let documents: StringArray =
            names.clone().map(|name| Some(format!(r#"{{"n{name}":[{name}],"z":1}}"#))).collect();
        let list = list("z BIGINT PATH $.z, s SHAPE PATH $");
        for _ in 0..2 {
            let rows = list.rows_of(&documents).expect("is read");
            assert_eq!(rows.column(0).null_count(), 0);
            let shapes = cast(rows.column(1), &DataType::Utf8).expect("is text");
            for (name, shape) in names.clone().zip(shapes.as_string::<i32>()) {
                assert_eq!(shape, Some(format!("$.n{name}[] number\n$.z number").as_str()));
            }
        }
    }
}
