//! `json_text(value)`: any value as JSON: structs as objects, lists as arrays.
//!
//! A member that is null is left out, so that what is absent looks absent. Times are written in
//! RFC 3339 with microseconds. The order of members is the order of the struct's fields.

use std::sync::Arc;

use datafusion::arrow::array::cast::AsArray;
use datafusion::arrow::array::{Array, ArrayRef, StringBuilder};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{
    DataType, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType,
};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use kernel::Instant;

/// The function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct JsonText {
    signature: Signature,
}

impl JsonText {
    /// The function.
    pub(crate) fn new() -> Self {
        Self { signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for JsonText {
    fn name(&self) -> &str {
        "json_text"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let values = args.args[0].to_array(args.number_rows)?;
        let mut texts = StringBuilder::new();
        let mut text = String::new();
        for row in 0..values.len() {
            if values.is_null(row) {
                texts.append_null();
                continue;
            }
            text.clear();
            write_value(&mut text, &values, row)?;
            texts.append_value(&text);
        }
        let texts: ArrayRef = Arc::new(texts.finish());
        Ok(ColumnarValue::Array(texts))
    }
}

fn write_value(text: &mut String, values: &ArrayRef, row: usize) -> Result<()> {
    if values.is_null(row) {
        text.push_str("null");
        return Ok(());
    }
    match values.data_type() {
        DataType::Utf8 => write_text(text, values.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => write_text(text, values.as_string::<i64>().value(row)),
        DataType::Utf8View => write_text(text, values.as_string_view().value(row)),
        DataType::Boolean => text.push_str(&values.as_boolean().value(row).to_string()),
        kind if kind.is_integer() => {
            let numbers = cast(&values.slice(row, 1), &DataType::Int64)?;
            text.push_str(&numbers.as_primitive::<Int64Type>().value(0).to_string());
        }
        kind if kind.is_floating() => {
            let numbers = cast(&values.slice(row, 1), &DataType::Float64)?;
            let number = numbers.as_primitive::<Float64Type>().value(0);
            text.push_str(&serde_json::Value::from(number).to_string());
        }
        DataType::Timestamp(..) => {
            let kind = DataType::Timestamp(TimeUnit::Microsecond, None);
            let moments = cast(&values.slice(row, 1), &kind)?;
            let micros = moments.as_primitive::<TimestampMicrosecondType>().value(0);
            write_text(text, &Instant::from_micros(micros).rfc3339());
        }
        DataType::List(_) => write_list(text, &values.as_list::<i32>().value(row))?,
        DataType::LargeList(_) => write_list(text, &values.as_list::<i64>().value(row))?,
        DataType::Struct(_) => write_object(text, values, row)?,
        other => return exec_err!("json_text cannot write a value of type {other}"),
    }
    Ok(())
}

fn write_text(text: &mut String, value: &str) {
    text.push_str(&serde_json::Value::from(value).to_string());
}

fn write_list(text: &mut String, items: &ArrayRef) -> Result<()> {
    text.push('[');
    for place in 0..items.len() {
        if place > 0 {
            text.push(',');
        }
        write_value(text, items, place)?;
    }
    text.push(']');
    Ok(())
}

fn write_object(text: &mut String, values: &ArrayRef, row: usize) -> Result<()> {
    let object = values.as_struct();
    text.push('{');
    let mut is_first = true;
    for (field, column) in object.fields().iter().zip(object.columns()) {
        if column.is_null(row) || column.data_type() == &DataType::Null {
            continue;
        }
        if !std::mem::take(&mut is_first) {
            text.push(',');
        }
        write_text(text, field.name());
        text.push(':');
        write_value(text, column, row)?;
    }
    text.push('}');
    Ok(())
}
