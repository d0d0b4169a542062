//! `json_row(raw, 'name TYPE PATH $.path, …')`: one document, read once, as a struct.
//!
//! The extra field `is_valid` says whether the text was JSON of the expected shape. The column list
//! must be a literal, because it decides the type of the result.

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

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

use super::json_spec::{Kind, Spec};
use super::json_walk::{Slots, Value, walk};

/// The function, with a count of the documents it has read.
#[derive(Debug)]
pub(crate) struct JsonRow {
    signature: Signature,
    documents: Arc<AtomicU64>,
}

impl JsonRow {
    /// The function; `documents` is raised by one for each document it reads.
    pub(crate) fn counting(documents: Arc<AtomicU64>) -> Self {
        let texts = vec![DataType::Utf8, DataType::Utf8];
        Self { signature: Signature::exact(texts, Volatility::Immutable), documents }
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
        match Spec::parse(list) {
            Ok(spec) => {
                let fields = DataType::Struct(fields_of(&spec));
                Ok(Arc::new(Field::new(self.name(), fields, true)))
            }
            Err(reason) => plan_err!("json_row: {reason}"),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let ColumnarValue::Scalar(ScalarValue::Utf8(Some(list))) = &args.args[1] else {
            return exec_err!("json_row needs its column list as a literal");
        };
        let spec = match Spec::parse(list) {
            Ok(spec) => spec,
            Err(reason) => return exec_err!("json_row: {reason}"),
        };
        let documents = args.args[0].to_array(args.number_rows)?;
        let documents = as_string_array(&documents)?;
        let read = (documents.len() - documents.null_count()) as u64;
        self.documents.fetch_add(read, Ordering::Relaxed);
        Ok(ColumnarValue::Array(Arc::new(rows_of(documents, &spec)?)))
    }
}

fn fields_of(spec: &Spec) -> Fields {
    let columns = spec.columns.iter();
    let columns = columns.map(|column| Field::new(&column.name, column.kind.data_type(), true));
    let is_valid = Field::new("is_valid", DataType::Boolean, true);
    columns.chain(std::iter::once(is_valid)).collect()
}

fn rows_of(documents: &StringArray, spec: &Spec) -> Result<StructArray> {
    let kinds = spec.columns.iter().map(|column| column.kind);
    let mut builders: Vec<Builder> = kinds.map(|kind| Builder::new(kind, documents)).collect();
    let mut is_valid = BooleanBuilder::with_capacity(documents.len());
    let mut slots: Slots<'_> = vec![None; spec.columns.len()];
    for document in documents {
        is_valid.append_value(document.is_some_and(|text| walk(text, spec, &mut slots)));
        for (builder, slot) in builders.iter_mut().zip(&mut slots) {
            builder.append(slot.take().map(|(_, value)| value));
        }
    }
    let mut columns: Vec<ArrayRef> = builders.into_iter().map(Builder::finish).collect();
    columns.push(Arc::new(is_valid.finish()));
    Ok(StructArray::try_new(fields_of(spec), columns, None)?)
}

enum Builder {
    Text(StringBuilder),
    Int(Int64Builder),
    Double(Float64Builder),
    Bool(BooleanBuilder),
}

impl Builder {
    fn new(kind: Kind, documents: &StringArray) -> Self {
        let rows = documents.len();
        match kind {
            // Most texts of a row are a small part of its document.
            Kind::Text | Kind::Json => Builder::Text(StringBuilder::with_capacity(rows, rows * 24)),
            Kind::BigInt | Kind::Length => Builder::Int(Int64Builder::with_capacity(rows)),
            Kind::Double => Builder::Double(Float64Builder::with_capacity(rows)),
            Kind::Bool => Builder::Bool(BooleanBuilder::with_capacity(rows)),
        }
    }

    fn append(&mut self, value: Option<Value<'_>>) {
        match (self, value) {
            (Builder::Text(texts), Some(Value::Text(text))) => texts.append_value(text),
            (Builder::Text(texts), _) => texts.append_null(),
            (Builder::Int(numbers), Some(Value::Int(number))) => numbers.append_value(number),
            (Builder::Int(numbers), _) => numbers.append_null(),
            (Builder::Double(numbers), Some(Value::Double(number))) => {
                numbers.append_value(number);
            }
            (Builder::Double(numbers), _) => numbers.append_null(),
            (Builder::Bool(flags), Some(Value::Bool(flag))) => flags.append_value(flag),
            (Builder::Bool(flags), _) => flags.append_null(),
        }
    }

    fn finish(self) -> ArrayRef {
        match self {
            Builder::Text(mut texts) => Arc::new(texts.finish()),
            Builder::Int(mut numbers) => Arc::new(numbers.finish()),
            Builder::Double(mut numbers) => Arc::new(numbers.finish()),
            Builder::Bool(mut flags) => Arc::new(flags.finish()),
        }
    }
}
