//! Functions that clients expect of Postgres and that neither the engine nor its catalog library
//! has. Most have one answer, because there are no views, rules, indexes or roles to speak of.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int32Array, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, Int64Type};
use datafusion::common::ScalarValue;
use datafusion::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature,
    Volatility,
};
use datafusion::prelude::SessionContext;

use super::{adapt, settings};

/// What is known of tables by their number.
#[derive(Debug, Default)]
pub(super) struct Numbered {
    /// Schema and name of each table.
    pub(super) tables: BTreeMap<i64, (String, String)>,
    /// Types by their names.
    pub(super) types: BTreeMap<String, i64>,
    /// What is said about a table (0) or one of its columns (from 1).
    pub(super) comments: BTreeMap<(i64, i64), String>,
}

type Body = dyn Fn(&[ArrayRef], &ConfigOptions, usize) -> Result<ArrayRef> + Send + Sync;

/// A function of any arguments.
struct Lenient {
    name: &'static str,
    gives: DataType,
    signature: Signature,
    body: Arc<Body>,
}

impl Debug for Lenient {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.name)
    }
}

impl PartialEq for Lenient {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Lenient {}

impl Hash for Lenient {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for Lenient {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.gives.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let columns = args
            .args
            .iter()
            .map(|arg| arg.to_array(args.number_rows))
            .collect::<Result<Vec<_>>>()?;
        let rows = (self.body)(&columns, &args.config_options, args.number_rows)?;
        Ok(ColumnarValue::Array(rows))
    }
}

fn register(
    session: &SessionContext,
    name: &'static str,
    gives: DataType,
    body: impl Fn(&[ArrayRef], &ConfigOptions, usize) -> Result<ArrayRef> + Send + Sync + 'static,
) {
    let any = vec![TypeSignature::VariadicAny, TypeSignature::Nullary];
    session.register_udf(ScalarUDF::from(Lenient {
        name,
        gives,
        signature: Signature::one_of(any, Volatility::Stable),
        body: Arc::new(body),
    }));
}

fn constant(session: &SessionContext, name: &'static str, value: ScalarValue) {
    let gives = value.data_type();
    register(session, name, gives, move |_, _, rows| value.to_array_of_size(rows));
}

/// Makes every function known to a session.
pub(super) fn register_all(session: &SessionContext, known: &Arc<Numbered>) {
    register_constants(session);
    register_privileges(session);
    register_schemas(session);
    register_lists(session);
    register_format(session);
    register_patterns(session);
    register_lookups(session, known);
}

fn register_constants(session: &SessionContext) {
    let text = |text: &str| ScalarValue::Utf8(Some(text.to_owned()));
    for name in [
        "pg_collation_is_visible",
        "pg_conversion_is_visible",
        "pg_function_is_visible",
        "pg_opclass_is_visible",
        "pg_operator_is_visible",
        "pg_statistics_obj_is_visible",
        "pg_ts_config_is_visible",
        "pg_ts_dict_is_visible",
        "pg_type_is_visible",
    ] {
        constant(session, name, ScalarValue::Boolean(Some(true)));
    }
    for name in ["pg_is_in_recovery", "pg_is_other_temp_schema", "pg_is_wal_replay_paused"] {
        constant(session, name, ScalarValue::Boolean(Some(false)));
    }
    for name in [
        "inet_server_addr",
        "inet_client_addr",
        "pg_get_constraintdef",
        "pg_get_function_arguments",
        "pg_get_function_identity_arguments",
        "pg_get_function_result",
        "pg_get_function_sqlbody",
        "pg_get_functiondef",
        "pg_get_indexdef",
        "pg_get_ruledef",
        "pg_get_serial_sequence",
        "pg_get_statisticsobjdef",
        "pg_get_triggerdef",
        "pg_get_viewdef",
        "pg_tablespace_location",
        "shobj_description",
    ] {
        constant(session, name, ScalarValue::Utf8(None));
    }
    for (name, value) in [
        ("pg_my_temp_schema", 0),
        ("pg_database_size", 0),
        ("pg_table_size", 0),
        ("pg_indexes_size", 0),
    ] {
        constant(session, name, ScalarValue::Int64(Some(value)));
    }
    constant(session, "pg_tablespace_size", ScalarValue::Int64(Some(0)));
    constant(session, "pg_char_to_encoding", ScalarValue::Int32(Some(6)));
    constant(session, "getdatabaseencoding", text("UTF8"));
    constant(session, "generate_subscripts", ScalarValue::Int32(None));
    constant(session, "inet_server_port", ScalarValue::Int32(None));
    constant(session, "pg_size_pretty", ScalarValue::Utf8(None));
    for name in ["session_user", "current_user", "pg_get_userbyid"] {
        constant(session, name, text(super::USER));
    }
    let engine = session.state().version().to_owned();
    let version = settings::SERVER_VERSION.trim_end_matches(')');
    let version = format!("PostgreSQL {version}, Apache DataFusion {engine})");
    constant(session, "version", ScalarValue::Utf8(Some(version)));
    let empty = ScalarValue::new_list_nullable(&[], &DataType::Utf8);
    constant(session, adapt::NO_TEXTS, ScalarValue::List(empty));
    constant(session, adapt::NO_TEXT, ScalarValue::Utf8(None));
    // The columns of an index, of which there is none.
    let fields = ["x", "n"].map(|name| Field::new(name, DataType::Int32, true));
    let place = DataType::Struct(fields.to_vec().into());
    register(session, "_pg_expandarray", place.clone(), move |_, _, rows| {
        ScalarValue::try_from(&place)?.to_array_of_size(rows)
    });
}

/// Everybody may read and nobody may do anything else.
fn register_privileges(session: &SessionContext) {
    for name in [
        "has_any_column_privilege",
        "has_column_privilege",
        "has_database_privilege",
        "has_function_privilege",
        "has_schema_privilege",
        "has_sequence_privilege",
        "has_table_privilege",
        "pg_has_role",
    ] {
        register(session, name, DataType::Boolean, |columns, _, rows| {
            let Some(wanted) = columns.last() else {
                return ScalarValue::Boolean(None).to_array_of_size(rows);
            };
            let wanted = cast(wanted, &DataType::Utf8)?;
            let may = wanted.as_string::<i32>().iter().map(|wanted| {
                let reading = ["select", "usage", "connect", "execute", "member"];
                wanted.map(|wanted| reading.contains(&wanted.to_lowercase().as_str()))
            });
            Ok(Arc::new(may.collect::<BooleanArray>()))
        });
    }
}

fn register_schemas(session: &SessionContext) {
    register(session, "current_schema", DataType::Utf8, |_, options, rows| {
        let name = options.catalog.default_schema.clone();
        ScalarValue::Utf8(Some(name)).to_array_of_size(rows)
    });
    let list = DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true)));
    register(session, "current_schemas", list, |columns, options, rows| {
        let with_inner = columns.first().is_some_and(|column| {
            column.as_boolean_opt().is_some_and(|column| !column.is_empty() && column.value(0))
        });
        let mut names = vec![ScalarValue::from(options.catalog.default_schema.as_str())];
        if with_inner {
            names.insert(0, ScalarValue::from("pg_catalog"));
        }
        let names = ScalarValue::new_list_nullable(&names, &DataType::Utf8);
        ScalarValue::List(names).to_array_of_size(rows)
    });
    register(session, "current_setting", DataType::Utf8, |columns, options, rows| {
        let Some(names) = columns.first() else {
            return ScalarValue::Utf8(None).to_array_of_size(rows);
        };
        let names = cast(names, &DataType::Utf8)?;
        let values = names.as_string::<i32>().iter().map(|name| match name {
            Some("search_path") => Some(options.catalog.default_schema.as_str()),
            Some(name) => settings::initial(name),
            None => None,
        });
        Ok(Arc::new(values.collect::<StringArray>()))
    });
}

/// `array_to_string` of a list, and of a column that could hold one and here is a text or null.
fn register_lists(session: &SessionContext) {
    let Ok(engine) = session.udf("array_to_string") else { return };
    register(session, "array_to_string", DataType::Utf8, move |columns, options, rows| {
        let Some(DataType::List(_) | DataType::LargeList(_)) =
            columns.first().map(|column| column.data_type())
        else {
            return match columns.first() {
                Some(column) => Ok(cast(column, &DataType::Utf8)?),
                None => ScalarValue::Utf8(None).to_array_of_size(rows),
            };
        };
        let field = |column: &ArrayRef| Arc::new(Field::new("", column.data_type().clone(), true));
        let answer = engine.invoke_with_args(ScalarFunctionArgs {
            args: columns.iter().cloned().map(ColumnarValue::Array).collect(),
            arg_fields: columns.iter().map(field).collect(),
            number_rows: rows,
            return_field: Arc::new(Field::new("", DataType::Utf8, true)),
            config_options: Arc::new(options.clone()),
        })?;
        Ok(cast(&answer.to_array(rows)?, &DataType::Utf8)?)
    });
}

/// `format` with `%s`, `%I` and `%L`, as clients put names together.
fn register_format(session: &SessionContext) {
    register(session, "format", DataType::Utf8, |columns, _, rows| {
        let columns = columns.iter().map(|column| cast(column, &DataType::Utf8));
        let columns = columns.collect::<std::result::Result<Vec<_>, _>>()?;
        let Some((forms, values)) = columns.split_first() else {
            return ScalarValue::Utf8(None).to_array_of_size(rows);
        };
        let forms = forms.as_string::<i32>();
        let texts = (0..rows).map(|row| {
            let mut values = values.iter().map(|column| {
                let column = column.as_string::<i32>();
                if column.is_null(row) { "" } else { column.value(row) }
            });
            (!forms.is_null(row)).then(|| filled(forms.value(row), &mut values))
        });
        Ok(Arc::new(texts.collect::<StringArray>()))
    });
}

fn register_patterns(session: &SessionContext) {
    register(session, adapt::LIKE_PATTERN, DataType::Utf8, |columns, _, _| {
        let patterns = cast(&columns[0], &DataType::Utf8)?;
        let escapes = cast(&columns[1], &DataType::Utf8)?;
        let pairs = patterns.as_string::<i32>().iter().zip(escapes.as_string::<i32>());
        let texts = pairs.map(|(pattern, escape)| Some(respelled(pattern?, escape?)));
        Ok(Arc::new(texts.collect::<StringArray>()))
    });
}

/// A pattern of LIKE with another escape, spelled with the backslash.
fn respelled(pattern: &str, escape: &str) -> String {
    let escape = escape.chars().next();
    let mut text = String::new();
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        match letter {
            letter if Some(letter) == escape => {
                text.push('\\');
                text.extend(letters.next());
            }
            '\\' => text.push_str("\\\\"),
            letter => text.push(letter),
        }
    }
    text
}

fn filled<'a>(form: &str, values: &mut impl Iterator<Item = &'a str>) -> String {
    let mut text = String::new();
    let mut letters = form.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            text.push(letter);
            continue;
        }
        match letters.next() {
            Some('%') => text.push('%'),
            Some('L') => {
                text.push_str(&format!("'{}'", values.next().unwrap_or("").replace('\'', "''")));
            }
            _ => text.push_str(values.next().unwrap_or("")),
        }
    }
    text
}

fn register_lookups(session: &SessionContext, known: &Arc<Numbered>) {
    let tables = known.clone();
    register(session, "pg_table_is_visible", DataType::Boolean, move |columns, options, _| {
        let schema = &options.catalog.default_schema;
        let visible = numbers(&columns[0])?.into_iter().map(|oid| {
            let table = oid.and_then(|oid| tables.tables.get(&oid));
            Some(table.is_none_or(|(of, _)| of == schema || of == "pg_catalog"))
        });
        Ok(Arc::new(visible.collect::<BooleanArray>()))
    });
    let tables = known.clone();
    register(session, adapt::TO_REGCLASS, DataType::Int32, move |columns, options, _| {
        let names = cast(&columns[0], &DataType::Utf8)?;
        let oids = names.as_string::<i32>().iter().map(|name| {
            let name = name?.replace('"', "");
            let default = options.catalog.default_schema.as_str();
            let (schema, table) = name.split_once('.').unwrap_or((default, &name));
            let is_it = |known: &(String, String)| known.0 == schema && known.1 == table;
            let found = tables.tables.iter().find(|(_, known)| is_it(known));
            found.and_then(|(oid, _)| i32::try_from(*oid).ok())
        });
        Ok(Arc::new(oids.collect::<Int32Array>()))
    });
    let types = known.clone();
    register(session, "to_regtype", DataType::Int32, move |columns, _, _| {
        let names = cast(&columns[0], &DataType::Utf8)?;
        let oids = names.as_string::<i32>().iter();
        let oids = oids.map(|name| i32::try_from(*types.types.get(name?)?).ok());
        Ok(Arc::new(oids.collect::<Int32Array>()))
    });
    let tables = known.clone();
    register(session, "obj_description", DataType::Utf8, move |columns, _, _| {
        let texts = numbers(&columns[0])?
            .into_iter()
            .map(|oid| tables.comments.get(&(oid?, 0)).map(String::as_str));
        Ok(Arc::new(texts.collect::<StringArray>()))
    });
    let tables = known.clone();
    register(session, "col_description", DataType::Utf8, move |columns, _, _| {
        let places = numbers(&columns[1])?;
        let pairs = numbers(&columns[0])?.into_iter().zip(places);
        let texts =
            pairs.map(|(oid, place)| tables.comments.get(&(oid?, place?)).map(String::as_str));
        Ok(Arc::new(texts.collect::<StringArray>()))
    });
}

fn numbers(column: &ArrayRef) -> Result<Vec<Option<i64>>> {
    let column = cast(column, &DataType::Int64)?;
    Ok(column.as_primitive::<Int64Type>().iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_put_together_and_patterns_respelled() {
        let mut values = ["staged", "tickets", "it's"].into_iter();
        assert_eq!(filled("%I.%s = %L, 100 %%", &mut values), "staged.tickets = 'it''s', 100 %");
        assert_eq!(respelled("pg/_%", "/"), "pg\\_%");
        assert_eq!(respelled("a\\b//", "/"), "a\\\\b\\/");
    }
}
