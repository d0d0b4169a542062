//! Every function that the SQL has beyond DataFusion's own, and their registration.
//!
//! A function takes one row's values and is lenient: what it cannot read gives null or nothing.
//! This module adapts plain Rust functions to columns; what they do is in the modules below.

mod article;
mod comparing;
mod draft;
mod images;
mod json_at;
mod json_parts;
mod json_path;
mod json_reader;
mod json_row;
mod json_shape;
mod json_spec;
mod json_text;
mod json_tree;
mod json_walk;
mod mail;
mod markdown;
mod markup;
mod phone;
mod plain;
mod slug;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, Int64Array, ListBuilder, StringArray, StringBuilder,
    TimestampMicrosecondArray,
};
use datafusion::arrow::datatypes::{DataType, Field, Int64Type, TimeUnit};
use datafusion::common::cast::as_string_array;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};
use datafusion::prelude::SessionContext;

/// What a function does to whole columns.
type OnColumns = fn(&[ArrayRef]) -> Result<ArrayRef>;

/// Makes every function known to a session. `documents` counts what `json_row` reads.
pub(crate) fn register(session: &SessionContext, documents: Arc<AtomicU64>) {
    // `->` and `->>`, for questions; they read a document each time, and models do not use them.
    datafusion_functions_json::register_all(&mut session.clone())
        .expect("a session takes any function");
    session.register_udf(ScalarUDF::from(json_row::JsonRow::counting(documents)));
    session.register_udf(ScalarUDF::from(json_text::JsonText::new()));
    for (name, takes, gives, body) in plain_functions() {
        session.register_udf(create_udf(
            name,
            takes,
            gives,
            Volatility::Immutable,
            Arc::new(move |args: &[ColumnarValue]| on_columns(args, body)),
        ));
    }
}

/// The type of every time in every table.
pub(crate) fn utc_time() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

fn list_of(item: DataType) -> DataType {
    DataType::List(Arc::new(Field::new_list_field(item, true)))
}

fn plain_functions() -> Vec<(&'static str, Vec<DataType>, DataType, OnColumns)> {
    let text = || vec![DataType::Utf8];
    let text_and_number = || vec![DataType::Utf8, DataType::Int64];
    let texts = list_of(DataType::Utf8);
    let entries = list_of(DataType::Struct(json_parts::entry_fields()));
    let lost_takes = vec![DataType::Utf8, texts.clone(), texts.clone()];
    vec![
        ("json_at", vec![DataType::Utf8, DataType::Utf8], DataType::Utf8, |columns| {
            let [documents, paths] =
                [&columns[0], &columns[1]].map(|column| as_string_array(column));
            Ok(Arc::new(json_at::values(documents?, paths?)))
        }),
        ("json_items", text(), texts.clone(), |columns| {
            Ok(json_parts::items(as_string_array(&columns[0])?))
        }),
        ("json_texts", text(), texts.clone(), |columns| {
            Ok(json_parts::texts(as_string_array(&columns[0])?))
        }),
        ("json_entries", text(), entries, |columns| {
            Ok(json_parts::entries(as_string_array(&columns[0])?))
        }),
        ("markdown_html", text(), DataType::Utf8, |columns| {
            each_text(&columns[0], |text| Some(markdown::to_html(text)))
        }),
        ("html_markdown", text(), DataType::Utf8, |columns| {
            each_text(&columns[0], |text| Some(article::markdown_of_html(text)))
        }),
        ("draft_markdown", text(), DataType::Utf8, |columns| {
            each_text(&columns[0], draft::markdown)
        }),
        ("html_clean", text(), DataType::Utf8, |columns| each_text(&columns[0], markup::clean)),
        ("html_text", text(), DataType::Utf8, |columns| {
            each_text(&columns[0], |text| Some(markup::text_of_html(text)))
        }),
        ("html_addresses", text(), DataType::Utf8, |columns| {
            each_text(&columns[0], |text| Some(comparing::addresses(text)))
        }),
        ("json_sorted", text(), DataType::Utf8, |columns| {
            each_text(&columns[0], comparing::sorted_json)
        }),
        ("move_addresses", lost_takes.clone(), DataType::Utf8, |columns| {
            with_pairs(columns, comparing::moved)
        }),
        ("image_urls", text(), texts, image_urls),
        ("name_lost_images", lost_takes, DataType::Utf8, name_lost_images),
        ("mail_header", vec![DataType::Utf8, DataType::Utf8], DataType::Utf8, mail_header),
        ("cut_text", text_and_number(), DataType::Utf8, |columns| cut(columns, plain::cut_text)),
        ("cut_bytes", text_and_number(), DataType::Utf8, |columns| cut(columns, plain::cut_bytes)),
        ("one_line", text(), DataType::Utf8, |columns| {
            each_text(&columns[0], |text| Some(plain::one_line(text)))
        }),
        ("visible_line", text(), DataType::Utf8, |columns| {
            each_text(&columns[0], |text| Some(plain::visible_line(text)))
        }),
        ("slug", text(), DataType::Utf8, |columns| each_text(&columns[0], slug::of)),
        ("email_address", text(), DataType::Utf8, |columns| {
            each_text(&columns[0], plain::email_address)
        }),
        ("phone_number", vec![DataType::Utf8, DataType::Utf8], DataType::Utf8, phone_number),
        ("split_text", text_and_number(), list_of(DataType::Utf8), split_text),
        ("hash_number", text(), DataType::Int64, |columns| {
            let texts = as_string_array(&columns[0])?;
            let numbers: Int64Array =
                texts.iter().map(|text| text.map(plain::hash_number)).collect();
            Ok(Arc::new(numbers))
        }),
        ("utc_of_ms", vec![DataType::Int64], utc_time(), utc_of_ms),
        ("utc_of_text", text(), utc_time(), utc_of_text),
    ]
}

/// Calls a function on columns. Constants are columns of one row, and give a constant.
fn on_columns(args: &[ColumnarValue], body: OnColumns) -> Result<ColumnarValue> {
    let columns = ColumnarValue::values_to_arrays(args)?;
    let outcome = body(&columns)?;
    let is_constant = args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
    Ok(if is_constant {
        ColumnarValue::Scalar(ScalarValue::try_from_array(&outcome, 0)?)
    } else {
        ColumnarValue::Array(outcome)
    })
}

fn each_text(column: &ArrayRef, body: impl Fn(&str) -> Option<String>) -> Result<ArrayRef> {
    let texts = as_string_array(column)?;
    let outcome: StringArray = texts.iter().map(|text| text.and_then(&body)).collect();
    Ok(Arc::new(outcome))
}

fn cut(columns: &[ArrayRef], body: fn(&str, usize) -> &str) -> Result<ArrayRef> {
    let texts = as_string_array(&columns[0])?;
    let limits: &Int64Array = columns[1].as_primitive::<Int64Type>();
    let pairs = texts.iter().zip(limits);
    let outcome: StringArray = pairs
        .map(|(text, limit)| Some(body(text?, usize::try_from(limit?).unwrap_or(0))))
        .collect();
    Ok(Arc::new(outcome))
}

fn name_lost_images(columns: &[ArrayRef]) -> Result<ArrayRef> {
    with_pairs(columns, images::name_lost)
}

/// A text with two lists beside it that belong together; without lists it stays as it is.
fn with_pairs(columns: &[ArrayRef], body: fn(&str, &[(&str, &str)]) -> String) -> Result<ArrayRef> {
    let texts = as_string_array(&columns[0])?;
    let (left, right) = (columns[1].as_list::<i32>(), columns[2].as_list::<i32>());
    let mut outcome = StringBuilder::new();
    for (row, text) in texts.iter().enumerate() {
        if left.is_null(row) || right.is_null(row) {
            outcome.append_option(text);
            continue;
        }
        let (left, right) = (left.value(row), right.value(row));
        let (left, right) = (as_string_array(&left)?, as_string_array(&right)?);
        let pairs = left.iter().zip(right);
        let pairs: Vec<(&str, &str)> = pairs.filter_map(|(one, other)| one.zip(other)).collect();
        outcome.append_option(text.map(|text| body(text, &pairs)));
    }
    Ok(Arc::new(outcome.finish()))
}

fn mail_header(columns: &[ArrayRef]) -> Result<ArrayRef> {
    let (headers, names) = (as_string_array(&columns[0])?, as_string_array(&columns[1])?);
    let pairs = headers.iter().zip(names);
    let outcome: StringArray = pairs.map(|(headers, name)| mail::header(headers?, name?)).collect();
    Ok(Arc::new(outcome))
}

fn image_urls(columns: &[ArrayRef]) -> Result<ArrayRef> {
    let mut lists = ListBuilder::new(StringBuilder::new());
    for text in as_string_array(&columns[0])? {
        for url in text.map(images::urls).unwrap_or_default() {
            lists.values().append_value(url);
        }
        lists.append(true);
    }
    Ok(Arc::new(lists.finish()))
}

fn phone_number(columns: &[ArrayRef]) -> Result<ArrayRef> {
    let (texts, countries) = (as_string_array(&columns[0])?, as_string_array(&columns[1])?);
    let pairs = texts.iter().zip(countries);
    let outcome: StringArray =
        pairs.map(|(text, country)| phone::phone_number(text?, country)).collect();
    Ok(Arc::new(outcome))
}

fn split_text(columns: &[ArrayRef]) -> Result<ArrayRef> {
    let texts = as_string_array(&columns[0])?;
    let limits: &Int64Array = columns[1].as_primitive::<Int64Type>();
    let mut lists = ListBuilder::new(StringBuilder::new());
    for (text, limit) in texts.iter().zip(limits) {
        let limit = limit.and_then(|limit| usize::try_from(limit).ok());
        let parts = text.zip(limit).map(|(text, limit)| plain::split_text(text, limit));
        for part in parts.into_iter().flatten() {
            lists.values().append_value(part);
        }
        lists.append(text.is_some());
    }
    Ok(Arc::new(lists.finish()))
}

fn utc_of_ms(columns: &[ArrayRef]) -> Result<ArrayRef> {
    let moments = columns[0].as_primitive::<Int64Type>().iter();
    let micros: TimestampMicrosecondArray =
        moments.map(|ms| ms.and_then(plain::micros_of_ms)).collect();
    Ok(Arc::new(micros.with_timezone("UTC")))
}

fn utc_of_text(columns: &[ArrayRef]) -> Result<ArrayRef> {
    let texts = as_string_array(&columns[0])?.iter();
    let micros: TimestampMicrosecondArray =
        texts.map(|text| text.and_then(plain::micros_of_text)).collect();
    Ok(Arc::new(micros.with_timezone("UTC")))
}
