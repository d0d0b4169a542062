//! Typed access to the columns of a batch, whatever physical type they were written with.
//!
//! Knows Arrow and nothing about plans, except how to say that a table is not one.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, TimeUnit};
use kernel::{Fault, Instant, Result};
use serde::de::DeserializeOwned;

/// The columns of one batch of the table `table`.
pub(super) struct Columns<'a> {
    pub table: &'static str,
    pub batch: &'a RecordBatch,
}

impl Columns<'_> {
    pub fn text(&self, name: &'static str) -> Result<Texts> {
        Ok(Texts {
            place: (self.table, name),
            values: self.cast(name, &DataType::Utf8)?.as_string().clone(),
        })
    }

    /// A column that plans of older versions lack.
    pub fn text_if_there(&self, name: &'static str) -> Result<Option<Texts>> {
        self.batch.column_by_name(name).map(|_| self.text(name)).transpose()
    }

    pub fn number(&self, name: &'static str) -> Result<Numbers> {
        Ok(Numbers {
            place: (self.table, name),
            values: self.cast(name, &DataType::Int64)?.as_primitive::<Int64Type>().clone(),
        })
    }

    pub fn flag(&self, name: &'static str) -> Result<Flags> {
        Ok(Flags {
            place: (self.table, name),
            values: self.cast(name, &DataType::Boolean)?.as_boolean().clone(),
        })
    }

    pub fn moment(&self, name: &'static str) -> Result<Moments> {
        let place = (self.table, name);
        let column = self.column(name)?;
        // The time zone is kept as it is: it says how to show a moment, not which moment it is.
        let zone = match column.data_type() {
            DataType::Timestamp(_, zone) => zone.clone(),
            _ => return Err(unfit(place)),
        };
        let numbers = cast(column, &DataType::Timestamp(TimeUnit::Microsecond, zone))
            .and_then(|micros| cast(&micros, &DataType::Int64))
            .map_err(|error| unfit(place).because(error))?;
        Ok(Moments(Numbers { place, values: numbers.as_primitive::<Int64Type>().clone() }))
    }

    fn column(&self, name: &'static str) -> Result<&ArrayRef> {
        self.batch.column_by_name(name).ok_or_else(|| {
            Fault::data(format!("the plan table {} has no column {name}", self.table))
                .hint("the plan was made by another version: make it again with deskferry plan")
        })
    }

    fn cast(&self, name: &'static str, to: &DataType) -> Result<ArrayRef> {
        let place = (self.table, name);
        cast(self.column(name)?, to).map_err(|error| unfit(place).because(error))
    }
}

type Place = (&'static str, &'static str);

pub(super) struct Texts {
    place: Place,
    values: StringArray,
}

impl Texts {
    pub fn get(&self, row: usize) -> Option<String> {
        self.as_str(row).map(str::to_owned)
    }

    pub fn must(&self, row: usize) -> Result<String> {
        self.get(row).ok_or_else(|| missing(self.place))
    }

    /// A JSON value, if there is one.
    pub fn json_if_there<T: DeserializeOwned>(&self, row: usize) -> Result<Option<T>> {
        let read = |text| serde_json::from_str(text);
        let value = self.as_str(row).map(read).transpose();
        value.map_err(|error| unfit(self.place).because(error))
    }

    /// A JSON value; null stands for the empty one.
    pub fn json<T: DeserializeOwned + Default>(&self, row: usize) -> Result<T> {
        match self.as_str(row) {
            None => Ok(T::default()),
            Some(text) => {
                serde_json::from_str(text).map_err(|error| unfit(self.place).because(error))
            }
        }
    }

    fn as_str(&self, row: usize) -> Option<&str> {
        self.values.is_valid(row).then(|| self.values.value(row))
    }
}

pub(super) struct Numbers {
    place: Place,
    values: Int64Array,
}

impl Numbers {
    pub fn get(&self, row: usize) -> Option<i64> {
        self.values.is_valid(row).then(|| self.values.value(row))
    }

    pub fn must(&self, row: usize) -> Result<i64> {
        self.get(row).ok_or_else(|| missing(self.place))
    }
}

pub(super) struct Flags {
    place: Place,
    values: BooleanArray,
}

impl Flags {
    pub fn must(&self, row: usize) -> Result<bool> {
        let value = self.values.is_valid(row).then(|| self.values.value(row));
        value.ok_or_else(|| missing(self.place))
    }
}

pub(super) struct Moments(Numbers);

impl Moments {
    pub fn get(&self, row: usize) -> Option<Instant> {
        self.0.get(row).map(Instant::from_micros)
    }

    pub fn must(&self, row: usize) -> Result<Instant> {
        self.0.must(row).map(Instant::from_micros)
    }
}

fn missing((table, column): Place) -> Fault {
    Fault::data(format!("the plan table {table} lacks a value in {column}"))
        .hint("the checks of the plan tell more: run deskferry plan again")
}

fn unfit((table, column): Place) -> Fault {
    Fault::data(format!("a value in {column} of the plan table {table} cannot be read"))
        .hint("the plan was made by another version: make it again with deskferry plan")
}
