//! Where in the SQL a rule is written: the file and the line that name it.

use transform::Models;

/// The SQL that made what is explained.
pub(super) struct Rulebook<'a> {
    models: &'a Models,
    /// The platform that was moved from.
    source: &'a str,
    /// The platform that was moved to.
    target: &'a str,
}

impl<'a> Rulebook<'a> {
    pub(super) fn new(models: &'a Models, source: &'a str, target: &'a str) -> Self {
        Self { models, source, target }
    }

    /// Where the rule of a staged column is decided: in the model that reads the stream, else in
    /// the staged model, else in another one.
    pub(super) fn staged(&self, rule: &str, table: &str, stream: &str) -> Option<String> {
        self.of_stream(rule, stream)
            .or_else(|| self.line(rule, &format!("2_staged/{table}.sql")))
            .or_else(|| self.line(rule, "2_staged/"))
            .or_else(|| self.line(rule, &format!("1_source/{}/", self.source)))
    }

    /// Where a rule of a loss, a tag or an identity is decided: in the model that lists them, else
    /// as [`Rulebook::staged`].
    pub(super) fn listed(&self, rule: &str, table: &str, stream: &str) -> Option<String> {
        self.line(rule, &format!("2_staged/{table}.sql"))
            .or_else(|| self.staged(rule, table, stream))
    }

    /// Where a loss of the plan is decided.
    pub(super) fn planned(&self, rule: &str) -> Option<String> {
        self.line(rule, &format!("3_plan/{}/", self.target))
    }

    /// Where a rule of the comparison is decided.
    pub(super) fn reconciled(&self, rule: &str) -> Option<String> {
        self.line(rule, "4_reconcile/")
    }

    /// The model that makes a table, named as in `staged.tickets`.
    pub(super) fn model_of(&self, table: &str) -> Option<String> {
        let (schema, name) = table.split_once('.')?;
        let is_there = |file: &str| self.models.files().any(|(known, _)| known == file);
        let own = format!("1_source/{}/{name}.sql", self.source);
        let file = match schema {
            "source" if is_there(&own) => own,
            "source" => format!("1_source/{name}.sql"),
            "staged" => format!("2_staged/{name}.sql"),
            "plan" => format!("3_plan/{}/{name}.sql", self.target),
            "readback" => format!("1_source/{}/{name}.sql", self.target),
            "reconcile" => format!("4_reconcile/{name}.sql"),
            _ => return None,
        };
        is_there(&file).then(|| format!("sql/{file}"))
    }

    fn of_stream(&self, rule: &str, stream: &str) -> Option<String> {
        let folder = format!("1_source/{}/", self.source);
        let reads = |sql: &str| {
            let words = sql.split(|sign: char| !(sign.is_alphanumeric() || "._".contains(sign)));
            words.into_iter().any(|word| word == format!("landing.{stream}"))
        };
        let mut files = self.models.files();
        files.find_map(|(file, sql)| {
            (file.starts_with(&folder) && reads(sql)).then(|| place(rule, file, sql))?
        })
    }

    /// The first place below `sql/` whose file name begins so.
    fn line(&self, rule: &str, start: &str) -> Option<String> {
        let mut files = self.models.files().filter(|(file, _)| file.starts_with(start));
        files.find_map(|(file, sql)| place(rule, file, sql))
    }
}

/// The line that gives the rule as a value, and not one that compares with it.
fn place(rule: &str, file: &str, sql: &str) -> Option<String> {
    let word = format!("'{rule}'");
    let gives = [format!("then {word}"), format!("else {word}"), format!("{word} as ")];
    let line = sql.lines().position(|line| gives.iter().any(|form| line.contains(form)))?;
    Some(format!("sql/{file}:{}", line + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_found_where_its_value_is_given_and_not_where_it_is_asked_for() {
        let sql = "-- grain: one row per x\nselect\n    case when a then 'own_cut' end as rule\n\
                   from b\nwhere rule = 'own_cut'";
        let files = [
            ("2_staged/losses.sql", "select 1 where subject_rule = 'own_cut'"),
            ("2_staged/tickets.sql", sql),
            ("1_source/crisp/messages.sql", "select 'as_is' as rule from landing.messages"),
            ("1_source/crisp/customers.sql", "select 'as_is' as rule from landing.people"),
        ];
        let files = files.map(|(file, sql)| (file.to_owned(), sql.to_owned()));
        let models = Models::from_files(files);
        let book = Rulebook::new(&models, "crisp", "gorgias");
        let found = |rule, stream| book.staged(rule, "messages", stream);
        assert_eq!(found("own_cut", "x").as_deref(), Some("sql/2_staged/tickets.sql:3"));
        assert_eq!(found("as_is", "people").as_deref(), Some("sql/1_source/crisp/customers.sql:1"));
        assert_eq!(found("nowhere", "people"), None);
        let made_by = book.model_of("staged.tickets");
        assert_eq!(made_by.as_deref(), Some("sql/2_staged/tickets.sql"));
    }
}
