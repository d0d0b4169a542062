//! Statements of well-known clients, put into words that the engine understands.
//!
//! Apart from the escape of LIKE, only questions about the catalog are touched, and only where the answer is the same for every
//! catalog of ours: it has no roles, rules, policies or publications.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    AccessExpr, BinaryOperator, DataType, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArgumentList, FunctionArguments, Ident, ObjectName, Query, SelectItem, SetExpr,
    Statement, Value, Visit, VisitMut, Visitor, VisitorMut,
};

/// The function that gives a list without texts.
pub(super) const NO_TEXTS: &str = "no_texts";
/// The function that gives null, as a text.
pub(super) const NO_TEXT: &str = "no_text";
/// The function that spells a pattern with the backslash as its escape.
pub(super) const LIKE_PATTERN: &str = "like_pattern";
/// The function that finds a table's number by its name.
pub(super) const TO_REGCLASS: &str = "to_regclass";

/// A statement with everything replaced that the engine would stumble over.
pub(super) fn adapt(mut statement: Statement) -> Statement {
    let _ = VisitMut::visit(&mut statement, &mut Escapes);
    if reads_only_the_catalog(&statement) {
        let _ = VisitMut::visit(&mut statement, &mut Rewrite);
    }
    statement
}

/// `like … escape '/'` in any statement: the engine knows the backslash only.
struct Escapes;

impl VisitorMut for Escapes {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::Like { pattern, escape_char, .. } | Expr::ILike { pattern, escape_char, .. } =
            expr
            && let Some(escape) = escape_char.take()
        {
            let arguments = [*pattern.clone(), Expr::Value(escape)];
            **pattern = Expr::Function(call(LIKE_PATTERN, arguments));
        }
        ControlFlow::Continue(())
    }
}

struct Rewrite;

impl VisitorMut for Rewrite {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            // `array(select …)` collects roles, options and the like, of which there are none.
            Expr::Function(function) if is_array_of_rows(function) => {
                *expr = Expr::Function(call(NO_TEXTS, None));
            }
            // What is put together with none is itself.
            Expr::BinaryOp { left, op: BinaryOperator::StringConcat, right } if matches!(&**right, Expr::Function(one) if one.name.to_string() == NO_TEXTS) =>
            {
                *expr = *left.clone();
            }
            Expr::Subquery(query) if reads_what_is_empty(query) => {
                // With its parameters, which are counted.
                *expr = Expr::Function(call(NO_TEXT, parameters_of(query)));
            }
            Expr::Subquery(query) => make_single(query),
            // `(row).field`, which the engine spells as a function.
            Expr::CompoundFieldAccess { root, access_chain } => {
                if let [AccessExpr::Dot(Expr::Identifier(field))] = access_chain.as_slice() {
                    let field = Value::SingleQuotedString(field.value.clone());
                    *expr = Expr::Function(call("get_field", [*root.clone(), Expr::value(field)]));
                }
            }
            // A name that is put together at run time becomes a number at run time.
            Expr::Cast { expr: name, data_type: DataType::Regclass, .. }
                if matches!(**name, Expr::Function(_)) =>
            {
                *expr = Expr::Function(call(TO_REGCLASS, Some(*name.clone())));
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// Whether a sub-select looks for defaults, sequences or collations of columns, which none has.
fn reads_what_is_empty(query: &Query) -> bool {
    struct Empty;
    impl Visitor for Empty {
        type Break = ();
        fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
            let name = relation.to_string();
            let empty = ["pg_attrdef", "pg_collation", "pg_sequence"];
            match empty.iter().any(|table| name.ends_with(table)) {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        }
    }
    Visit::visit(query, &mut Empty).is_break()
}

/// The parameters of a query, each with its cast where it has one.
fn parameters_of(query: &Query) -> Vec<Expr> {
    #[derive(Default)]
    struct Parameters {
        found: Vec<Expr>,
        names: BTreeSet<String>,
    }
    impl Visitor for Parameters {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            let inner = match expr {
                Expr::Cast { expr, .. } => expr.as_ref(),
                other => other,
            };
            if let Expr::Value(value) = inner
                && let Value::Placeholder(name) = &value.value
                && self.names.insert(name.clone())
            {
                self.found.push(expr.clone());
            }
            ControlFlow::Continue(())
        }
    }
    let mut parameters = Parameters::default();
    let _ = Visit::visit(query, &mut parameters);
    parameters.found
}

/// A sub-select that is used as a value has one row at most; the engine wants to see that, and does
/// so in `max`.
fn make_single(query: &mut Query) {
    let aggregates = ["array_agg", "count", "max", "min", "string_agg", "sum"];
    let SetExpr::Select(select) = query.body.as_mut() else { return };
    let [SelectItem::UnnamedExpr(value)] = select.projection.as_mut_slice() else { return };
    let is_single = match value {
        Expr::Function(function) => {
            aggregates.contains(&function.name.to_string().to_lowercase().as_str())
        }
        _ => false,
    };
    if query.limit_clause.is_none() && !is_single {
        *value = Expr::Function(call("max", Some(value.clone())));
    }
}

fn is_array_of_rows(function: &Function) -> bool {
    matches!(function.args, FunctionArguments::Subquery(_))
        && function.name.to_string().eq_ignore_ascii_case("array")
}

/// Whether a statement reads catalog tables and no others.
fn reads_only_the_catalog(statement: &Statement) -> bool {
    #[derive(Default)]
    struct Tables {
        catalog: usize,
        names: BTreeSet<String>,
        steps: BTreeSet<String>,
    }
    impl Visitor for Tables {
        type Break = ();
        fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
            let steps = query.with.iter().flat_map(|with| &with.cte_tables);
            self.steps.extend(steps.map(|step| step.alias.name.value.clone()));
            ControlFlow::Continue(())
        }
        fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
            let name = relation.to_string().replace('"', "");
            match name.starts_with("pg_catalog.") || name.starts_with("information_schema.") {
                true => self.catalog += 1,
                false => drop(self.names.insert(name)),
            }
            ControlFlow::Continue(())
        }
    }
    let mut tables = Tables::default();
    let _ = Visit::visit(statement, &mut tables);
    let is_inner = |name: &String| {
        ["unnest", "generate_series"].contains(&name.as_str()) || tables.steps.contains(name)
    };
    tables.catalog > 0 && tables.names.iter().all(is_inner)
}

fn call(name: &str, arguments: impl IntoIterator<Item = Expr>) -> Function {
    let arguments = arguments.into_iter().map(FunctionArgExpr::Expr).map(FunctionArg::Unnamed);
    Function {
        name: ObjectName::from(vec![Ident::new(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: arguments.collect(),
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    }
}
