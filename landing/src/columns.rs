//! Columns of a batch that was read back, by name and with the kind that they were written with.
//!
//! A table whose columns are others was not written by this program; that is a fault of the data.

use arrow::array::{
    Array, AsArray, BinaryArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use kernel::{Fault, Result};

/// A column of texts.
pub(crate) fn texts<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a StringArray> {
    column(batch, name)?.as_string_opt::<i32>().ok_or_else(|| odd_column(name))
}

/// A column of bytes.
pub(crate) fn binaries<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a BinaryArray> {
    column(batch, name)?.as_binary_opt::<i32>().ok_or_else(|| odd_column(name))
}

/// A column of whole numbers.
pub(crate) fn numbers<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a Int64Array> {
    column(batch, name)?.as_primitive_opt::<Int64Type>().ok_or_else(|| odd_column(name))
}

/// A column of moments, in microseconds since 1970.
pub(crate) fn moments<'a>(
    batch: &'a RecordBatch,
    name: &str,
) -> Result<&'a TimestampMicrosecondArray> {
    let found = column(batch, name)?.as_primitive_opt::<TimestampMicrosecondType>();
    found.ok_or_else(|| odd_column(name))
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a dyn Array> {
    batch.column_by_name(name).map(AsRef::as_ref).ok_or_else(|| odd_column(name))
}

fn odd_column(name: &str) -> Fault {
    Fault::data(format!("a landed table has no column {name} of the usual kind"))
        .hint("deskferry snapshot verify says whether the snapshot is as it was sealed")
}
