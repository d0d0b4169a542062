//! Statements of well-known clients, put into words that the engine understands.
//!
//! Only questions about the catalog are touched, and only where the answer is the same for every
//! catalog of ours: it has no roles, rules, policies or publications.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArgumentList, FunctionArguments, Ident, ObjectName, Query, Statement,
    Visit, VisitMut, Visitor, VisitorMut,
};

/// A statement with everything replaced that the engine would stumble over.
pub(super) fn adapt(mut statement: Statement) -> Statement {
    let _ = VisitMut::visit(&mut statement, &mut Rewrite);
    statement
}

struct Rewrite;

impl VisitorMut for Rewrite {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::Function(function) = expr {
            let is_array = function.name.to_string().eq_ignore_ascii_case("array");
            if let FunctionArguments::Subquery(query) = &function.args
                && is_array
                && reads_only_the_catalog(query)
            {
                *expr = Expr::Function(call("no_texts"));
            }
        }
        ControlFlow::Continue(())
    }
}

/// Whether a query reads catalog tables and nothing else.
fn reads_only_the_catalog(query: &Query) -> bool {
    struct Tables {
        others: usize,
    }
    impl Visitor for Tables {
        type Break = ();
        fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
            let name = relation.to_string().replace('"', "");
            self.others += usize::from(!name.starts_with("pg_catalog."));
            ControlFlow::Continue(())
        }
    }
    let mut tables = Tables { others: 0 };
    let _ = Visit::visit(query, &mut tables);
    tables.others == 0
}

fn call(name: &str) -> Function {
    Function {
        name: ObjectName::from(vec![Ident::new(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: Vec::new(),
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    }
}
