//! Where a statement ends: at a semicolon that is in no text, no name and no comment.

/// Whole statements, and what is left of an unfinished one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Taken {
    /// Without their semicolons; empty ones are left out.
    pub(super) statements: Vec<String>,
    /// What comes after the last semicolon.
    pub(super) rest: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    Nothing,
    Quotes(char),
    Line,
    Block,
}

/// Takes the whole statements off the front of a text.
pub(super) fn take(text: &str) -> Taken {
    let mut statements = Vec::new();
    let mut start = 0;
    let mut inside = Inside::Nothing;
    let mut letters = text.char_indices().peekable();
    while let Some((place, letter)) = letters.next() {
        let next = letters.peek().map(|(_, next)| *next);
        inside = match (inside, letter, next) {
            (Inside::Nothing, '\'' | '"', _) => Inside::Quotes(letter),
            (Inside::Quotes(end), _, _) if letter == end => Inside::Nothing,
            (Inside::Nothing, '-', Some('-')) => Inside::Line,
            (Inside::Line, '\n', _) => Inside::Nothing,
            (Inside::Nothing, '/', Some('*')) => {
                letters.next();
                Inside::Block
            }
            (Inside::Block, '*', Some('/')) => {
                letters.next();
                Inside::Nothing
            }
            (Inside::Nothing, ';', _) => {
                let statement = text[start..place].trim();
                if !statement.is_empty() {
                    statements.push(statement.to_owned());
                }
                start = place + 1;
                Inside::Nothing
            }
            (inside, _, _) => inside,
        };
    }
    let rest = &text[start..];
    let rest = if rest.trim().is_empty() { "" } else { rest };
    Taken { statements, rest: rest.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_semicolon_ends_a_statement_only_where_it_is_one() {
        for (text, statements, rest) in [
            ("select 1;", &["select 1"][..], ""),
            ("select 1", &[], "select 1"),
            ("select ';' as a; select 2", &["select ';' as a"], " select 2"),
            ("select 'it''s;' ;", &["select 'it''s;'"], ""),
            ("select \"a;b\";;", &["select \"a;b\""], ""),
            ("select 1 -- one;\n;", &["select 1 -- one;"], ""),
            ("select /* ; */ 1;", &["select /* ; */ 1"], ""),
            ("select 'open;", &[], "select 'open;"),
        ] {
            let taken = take(text);
            assert_eq!(taken.statements, statements, "{text}");
            assert_eq!(taken.rest, rest, "{text}");
        }
    }
}
