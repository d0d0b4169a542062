//! Answers about the workspace itself: operators, inboxes, teams, settings, plugin, campaigns.
//!
//! These lists are short and served as they stand.

use super::desk::{Answer, Desk};
use super::raw;
use super::reply::Reply;
use super::route::Route;

/// The id the plugin answers for itself; invented.
const PLUGIN_ID: &str = "185a9f5c-3c0f-4d26-9a51-6d0f8e6b7d10";

impl Desk<'_> {
    pub(crate) fn workspace(&self, route: Route<'_>) -> Answer {
        match route {
            Route::PluginAccount => {
                Ok(Reply::resolved(&format!("{{\"plugin_id\":\"{PLUGIN_ID}\"}}")))
            }
            Route::PluginWebsites(page) => {
                let row = serde_json::json!({ "website_id": self.website_id });
                self.page_of(page, &[row.to_string()])
            }
            Route::Website => Ok(Reply::resolved(&self.website().to_string())),
            Route::Settings => {
                let mut settings = self.website();
                settings["contact"] = serde_json::json!({ "email": "help@shop.example" });
                Ok(Reply::resolved(&settings.to_string()))
            }
            Route::Operators => Ok(Reply::listed(200, self.store.list("operators"))),
            Route::OperatorsActive => Ok(Reply::listed(200, &self.active_operators())),
            Route::Operator(user_id) => self.operator(user_id),
            Route::Inboxes(page) => self.page_of_list(page, "inboxes"),
            Route::Teams(page) => self.page_of_list(page, "teams"),
            Route::Campaigns(page) => self.page_of_list(page, "campaigns"),
            Route::Blocked => Ok(Reply::listed(200, self.store.list("blocked"))),
            _ => Err(Reply::no_route()),
        }
    }

    fn website(&self) -> serde_json::Value {
        serde_json::json!({
            "website_id": self.website_id,
            "name": "Shop",
            "domain": "shop.example",
        })
    }

    fn active_operators(&self) -> Vec<String> {
        let is_online =
            |row: &&String| raw::path(row, &["details", "availability"]) == Some("\"online\"");
        self.store.list("operators").iter().filter(is_online).cloned().collect()
    }

    fn operator(&self, user_id: &str) -> Answer {
        let own = |row: &&String| {
            let found = raw::path(row, &["details", "user_id"]).and_then(raw::text_of);
            found.as_deref() == Some(user_id)
        };
        let row = self.store.list("operators").iter().find(own);
        Ok(Reply::resolved(row.ok_or_else(|| Reply::missing("operator"))?))
    }
}
