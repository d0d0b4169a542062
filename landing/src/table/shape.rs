//! How the columns of a table are encoded: as its writer knows them, or as its first rows show.
//!
//! A dictionary pays where values come again. Where they do not, it costs the most time of all
//! encodings and saves nothing.

use std::collections::HashSet;
use std::hash::Hash;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;

/// Rows in a row group; about 68 MB of raw JSON at 680 bytes a record.
pub(crate) const ROW_GROUP_ROWS: usize = 100_000;
/// Best ratio for its speed of all settings that were measured: DECISIONS.md has the figures.
const ZSTD_LEVEL: i32 = 3;
/// Values that a column must have before anything is concluded from them.
const VALUES_MIN: usize = 1_000;
/// Mean length, in bytes, from which on texts are taken for prose.
const LONG_MIN: usize = 64;

/// How a table is laid out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape<'a> {
    /// Rows in a row group.
    pub(crate) group_rows: usize,
    /// Columns that gain nothing from a dictionary, each with its kind.
    pub(crate) columns: &'a [(&'a str, Kind)],
}

/// How a column without a dictionary is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Texts that begin like the one before them, such as keys and addresses.
    Key,
    /// Other short texts: their lengths apart from them.
    Short,
    /// Long texts: as short ones, which compresses faster and smaller. Nobody looks for one in their
    /// order, so the least and the greatest are not noted.
    Long,
    /// Digits without any pattern: level 1 finds that out ten times as fast as level 3, and they
    /// come out smaller.
    Random,
    /// Numbers, as the differences from one to the next.
    Number,
}

impl Kind {
    fn set(self, column: &str, properties: WriterPropertiesBuilder) -> WriterPropertiesBuilder {
        let path = || ColumnPath::from(column);
        let properties = properties.set_column_dictionary_enabled(path(), false);
        let no_order = EnabledStatistics::None;
        match self {
            Self::Key => properties.set_column_encoding(path(), Encoding::DELTA_BYTE_ARRAY),
            Self::Short => {
                properties.set_column_encoding(path(), Encoding::DELTA_LENGTH_BYTE_ARRAY)
            }
            Self::Long => properties
                .set_column_statistics_enabled(path(), no_order)
                .set_column_encoding(path(), Encoding::DELTA_LENGTH_BYTE_ARRAY),
            Self::Random => properties
                .set_column_statistics_enabled(path(), no_order)
                .set_column_compression(path(), zstd(1)),
            Self::Number => properties.set_column_encoding(path(), Encoding::DELTA_BINARY_PACKED),
        }
    }

    /// The kind of a column whose values hardly ever come again; `None` for any other.
    fn of(column: &ArrayRef) -> Option<Self> {
        match column.data_type() {
            DataType::Utf8 => Self::of_texts(column.as_string::<i32>().iter().flatten().collect()),
            DataType::Int64 | DataType::Timestamp(..) => {
                let numbers = cast(column, &DataType::Int64).ok()?;
                let numbers = numbers.as_primitive::<Int64Type>().iter().flatten().collect();
                is_varied(numbers).then_some(Self::Number)
            }
            _ => None,
        }
    }

    fn of_texts(texts: Vec<&str>) -> Option<Self> {
        let bytes: usize = texts.iter().map(|text| text.len()).sum();
        let pairs = texts.iter().zip(texts.iter().skip(1));
        let shared: usize = pairs.map(|(before, text)| shared_bytes(before, text)).sum();
        let count = texts.len();
        let kind = match () {
            () if shared * 2 > bytes => Self::Key,
            () if bytes < count * LONG_MIN => Self::Short,
            () => Self::Long,
        };
        is_varied(texts).then_some(kind)
    }
}

/// Whether most of the values are distinct.
fn is_varied<T: Eq + Hash>(values: Vec<T>) -> bool {
    let count = values.len();
    let distinct: HashSet<T> = values.into_iter().collect();
    count >= VALUES_MIN && distinct.len() * 2 > count
}

/// How many bytes two texts have in common at their start.
fn shared_bytes(one: &str, other: &str) -> usize {
    one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count()
}

/// The columns that gain nothing from a dictionary, as the first rows of a table show them.
pub(crate) fn learned(rows: &RecordBatch) -> Vec<(&str, Kind)> {
    let columns = rows.schema_ref().fields().iter().zip(rows.columns());
    columns.filter_map(|(field, column)| Some((field.name().as_str(), Kind::of(column)?))).collect()
}

fn zstd(level: i32) -> Compression {
    Compression::ZSTD(ZstdLevel::try_new(level).expect("is a level of zstd"))
}

impl Shape<'_> {
    pub(crate) fn properties(&self) -> WriterProperties {
        let mut properties = WriterProperties::builder()
            .set_compression(zstd(ZSTD_LEVEL))
            .set_max_row_group_row_count(Some(self.group_rows));
        for (column, kind) in self.columns {
            properties = kind.set(column, properties);
        }
        properties.build()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, StringArray};

    use super::*;

    fn texts(text: impl Fn(u64) -> Option<String>) -> ArrayRef {
        Arc::new((0..4_000).map(text).collect::<StringArray>())
    }

    /// Digits that tell nothing of the ones before them.
    fn digits(number: u64) -> String {
        crate::exchange::sha256(&number.to_le_bytes())
    }

    #[test]
    fn a_column_without_repetition_has_no_dictionary() {
        let cases = [
            (
                "key",
                texts(|row| Some(format!("session_{}/{row}", digits(row / 10)))),
                Some(Kind::Key),
            ),
            ("id", texts(|row| Some(digits(row)[..20].to_owned())), Some(Kind::Short)),
            ("prose", texts(|row| Some(digits(row).repeat(2))), Some(Kind::Long)),
            ("state", texts(|row| Some(digits(row % 4))), None),
            (
                "seldom",
                texts(|row| (row % 3 == 0).then(|| digits(row)[..9].to_owned())),
                Some(Kind::Short),
            ),
            ("hardly", texts(|row| (row % 30 == 0).then(|| digits(row))), None),
            ("count", Arc::new(Int64Array::from_iter_values(0..4_000)), Some(Kind::Number)),
            ("one", Arc::new(Int64Array::from_iter_values([1; 4_000])), None),
        ];
        let rows = RecordBatch::try_from_iter(
            cases.iter().map(|(name, column, _)| (*name, column.clone())),
        );
        let rows = rows.expect("columns of one length");
        let expected: Vec<(&str, Kind)> =
            cases.iter().filter_map(|(name, _, kind)| Some((*name, (*kind)?))).collect();
        assert_eq!(learned(&rows), expected);
    }
}
