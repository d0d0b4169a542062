//! Step 3: the staged rows of a record and of what belongs to it.

use std::collections::BTreeMap;

use kernel::Result;

use super::subject::Subject;
use super::tables::{Row, Tables, number, text};

/// Rows by table, as in `staged.tickets`; a table without a row is left out.
pub(super) type Rows = BTreeMap<String, Vec<Row>>;

/// Everything staged about a record.
pub(super) async fn rows(tables: &Tables, subject: &Subject) -> Result<Rows> {
    let mut gathered = Gathered { tables, rows: Rows::new() };
    match subject {
        Subject::Ticket(id) => gathered.ticket(id).await?,
        Subject::Message(id) => gathered.message(id).await?,
        Subject::Customer(id) => gathered.customer(id).await?,
        Subject::Record { stream, key } => gathered.record(stream, key).await?,
        Subject::Foreign { .. } => {}
    }
    Ok(gathered.rows)
}

struct Gathered<'a> {
    tables: &'a Tables,
    rows: Rows,
}

impl Gathered<'_> {
    async fn add(&mut self, table: &str, column: &str, value: &str) -> Result<()> {
        let table = format!("staged.{table}");
        let found = self.tables.rows(&table, column, &[value]).await?;
        if !found.is_empty() {
            self.rows.insert(table, found);
        }
        Ok(())
    }

    async fn ticket(&mut self, id: &str) -> Result<()> {
        self.add("tickets", "ticket_id", id).await?;
        for table in ["messages", "ticket_tags", "ticket_states", "custom_field_values"] {
            self.add(table, "ticket_id", id).await?;
        }
        for table in ["attachments", "quarantine"] {
            self.add(table, "ticket_id", id).await?;
        }
        if let Some(messages) = self.rows.get_mut("staged.messages") {
            messages.sort_by_key(|row| number(row, "position"));
        }
        let ticket = self.first("staged.tickets");
        if let Some(conversation) = ticket.as_ref().and_then(|row| text(row, "conversation_id")) {
            let parts =
                self.tables.rows("staged.tickets", "conversation_id", &[conversation]).await?;
            let mut parts: Vec<Row> =
                parts.into_iter().filter(|row| text(row, "ticket_id") != Some(id)).collect();
            parts.sort_by_key(|row| number(row, "part"));
            self.rows.entry("staged.tickets".to_owned()).or_default().extend(parts);
        }
        self.people(ticket.as_ref(), "assignee_agent_id").await
    }

    async fn message(&mut self, id: &str) -> Result<()> {
        self.add("messages", "message_id", id).await?;
        self.add("attachments", "message_id", id).await?;
        let message = self.first("staged.messages");
        if let Some(ticket_id) = message.as_ref().and_then(|row| text(row, "ticket_id")) {
            self.add("tickets", "ticket_id", ticket_id).await?;
        }
        self.people(message.as_ref(), "agent_id").await
    }

    async fn customer(&mut self, id: &str) -> Result<()> {
        for table in ["customers", "actors", "customer_identities", "tickets"] {
            self.add(table, "customer_id", id).await?;
        }
        let customer = self.first("staged.customers");
        if let Some(company_id) = customer.as_ref().and_then(|row| text(row, "company_id")) {
            self.add("companies", "company_id", company_id).await?;
        }
        if let Some(tickets) = self.rows.get_mut("staged.tickets") {
            tickets.sort_by(|left, right| text(left, "created_at").cmp(&text(right, "created_at")));
        }
        Ok(())
    }

    /// Rows that name the record as where they come from, such as those of agents.
    async fn record(&mut self, stream: &str, key: &str) -> Result<()> {
        let places = [key.to_owned(), format!("{stream}/{key}")];
        let places = places.each_ref().map(String::as_str);
        let names = self.tables.names("staged").into_iter();
        // A loss is told of as a rule.
        for name in names.filter(|name| name != "losses") {
            let table = format!("staged.{name}");
            let found = self.tables.rows(&table, "source_id", &places).await?;
            if !found.is_empty() {
                self.rows.insert(table, found);
            }
        }
        Ok(())
    }

    /// The customer and the agent that a row names.
    async fn people(&mut self, row: Option<&Row>, agent: &str) -> Result<()> {
        let Some(row) = row else { return Ok(()) };
        if let Some(customer_id) = text(row, "customer_id") {
            self.add("customers", "customer_id", customer_id).await?;
        }
        if let Some(agent_id) = text(row, agent) {
            self.add("agents", "agent_id", agent_id).await?;
        }
        Ok(())
    }

    fn first(&self, table: &str) -> Option<Row> {
        self.rows.get(table)?.first().cloned()
    }
}
