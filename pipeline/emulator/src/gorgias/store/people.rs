//! Owns customers and users, which share one id space, and the ways to find them: by id, by
//! address, by channel and by external id. It must not know how a request names a person.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value};

use super::super::instant::Instant;
use super::super::options::Agent;

/// One address of a customer.
#[derive(Clone, Debug)]
pub(in crate::gorgias) struct Channel {
    /// Its own id.
    pub id: u64,
    /// Channel slug, for example `email`.
    pub kind: Box<str>,
    /// The address.
    pub address: Box<str>,
    /// First choice of its kind.
    pub preferred: bool,
    /// When it was added.
    pub created: Instant,
}

/// A customer.
#[derive(Clone, Debug)]
pub(in crate::gorgias) struct Customer {
    pub id: u64,
    pub external_id: Option<Box<str>>,
    pub email: Option<Box<str>>,
    pub name: Option<Box<str>>,
    pub language: Option<Box<str>>,
    pub timezone: Option<Box<str>>,
    pub created: Instant,
    pub updated: Instant,
    pub channels: Vec<Channel>,
    pub note: Option<Box<str>>,
    pub name_by_agent: bool,
    /// What was put under `data`; it answers as `external_data` of the key's application.
    pub external_data: Option<Box<Map<String, Value>>>,
    pub data_version: Option<Instant>,
    pub fields: Vec<(u64, Value)>,
}

/// A user.
#[derive(Clone, Debug)]
pub(in crate::gorgias) struct User {
    pub id: u64,
    pub email: String,
    pub name: String,
    pub role: String,
    pub external_id: Option<String>,
    pub bio: Option<String>,
    pub country: Option<String>,
    pub language: Option<String>,
    pub timezone: Option<String>,
    pub picture: Option<String>,
    pub created: Instant,
    pub updated: Instant,
}

/// What an id of the shared space stands for.
pub(in crate::gorgias) enum Person {
    /// A customer.
    Customer(Box<Customer>),
    /// A user.
    User(Box<User>),
    /// A customer that was folded into another one.
    Merged(u64),
    /// Deleted.
    Gone,
}

/// Everybody.
pub(in crate::gorgias) struct People {
    from: u64,
    next_channel: u64,
    shelf: Vec<Person>,
    by_email: HashMap<String, u64>,
    by_channel: HashMap<String, Vec<u64>>,
    by_external: HashMap<Box<str>, Vec<u64>>,
    users_by_email: HashMap<String, u64>,
    users_by_external: HashMap<String, Vec<u64>>,
    /// Customers by creation.
    pub customers_created: BTreeSet<(i64, u64)>,
    /// Customers by last change.
    pub customers_updated: BTreeSet<(i64, u64)>,
    /// Users by creation.
    pub users_created: BTreeSet<(i64, u64)>,
}

impl People {
    pub(super) fn new(from: u64, channels_from: u64) -> People {
        People {
            from,
            next_channel: channels_from,
            shelf: Vec::new(),
            by_email: HashMap::new(),
            by_channel: HashMap::new(),
            by_external: HashMap::new(),
            users_by_email: HashMap::new(),
            users_by_external: HashMap::new(),
            customers_created: BTreeSet::new(),
            customers_updated: BTreeSet::new(),
            users_created: BTreeSet::new(),
        }
    }

    pub(super) fn seed_user(&mut self, agent: &Agent, at: Instant) -> u64 {
        let user = User {
            id: 0,
            email: agent.email.clone(),
            name: agent.name.clone(),
            role: agent.role.clone(),
            external_id: None,
            bio: None,
            country: None,
            language: Some("en".to_owned()),
            timezone: Some("UTC".to_owned()),
            picture: None,
            created: at,
            updated: at,
        };
        self.add_user(user)
    }

    /// Everybody who ever had an id, in its order.
    pub(in crate::gorgias) fn everybody(&self) -> impl Iterator<Item = &Person> {
        self.shelf.iter()
    }

    /// Who an id stands for.
    pub(in crate::gorgias) fn person(&self, id: u64) -> Option<&Person> {
        self.shelf.get(usize::try_from(id.checked_sub(self.from)?).ok()?)
    }

    /// The customer with this id.
    pub(in crate::gorgias) fn customer(&self, id: u64) -> Option<&Customer> {
        match self.person(id)? {
            Person::Customer(customer) => Some(customer),
            _ => None,
        }
    }

    /// The user with this id.
    pub(in crate::gorgias) fn user(&self, id: u64) -> Option<&User> {
        match self.person(id)? {
            Person::User(user) => Some(user),
            _ => None,
        }
    }

    /// The customer that owns an e-mail address, as first address or as a channel.
    pub(in crate::gorgias) fn customer_by_email(&self, email: &str) -> Option<u64> {
        self.by_email.get(&email.to_lowercase()).copied()
    }

    /// The user with this e-mail address.
    pub(in crate::gorgias) fn user_by_email(&self, email: &str) -> Option<u64> {
        self.users_by_email.get(&email.to_lowercase()).copied()
    }

    /// Customers with this address on this channel.
    pub(in crate::gorgias) fn by_channel(&self, kind: &str, address: &str) -> &[u64] {
        self.by_channel.get(&channel_key(kind, address)).map_or(&[], Vec::as_slice)
    }

    /// Customers with this external id.
    pub(in crate::gorgias) fn by_external(&self, external_id: &str) -> &[u64] {
        self.by_external.get(external_id).map_or(&[], Vec::as_slice)
    }

    /// Users with this external id.
    pub(in crate::gorgias) fn users_by_external(&self, external_id: &str) -> &[u64] {
        self.users_by_external.get(external_id).map_or(&[], Vec::as_slice)
    }

    /// The id the next person gets.
    pub(in crate::gorgias) fn next_id(&self) -> u64 {
        self.from + self.shelf.len() as u64
    }

    /// A fresh id for a channel.
    pub(in crate::gorgias) fn channel_id(&mut self) -> u64 {
        self.next_channel += 1;
        self.next_channel - 1
    }

    /// Adds a customer; the id is given here.
    pub(in crate::gorgias) fn add_customer(&mut self, mut customer: Customer) -> u64 {
        let id = self.next_id();
        customer.id = id;
        self.index_customer(&customer);
        self.shelf.push(Person::Customer(Box::new(customer)));
        id
    }

    /// Changes a customer and keeps every index true.
    pub(in crate::gorgias) fn change_customer(
        &mut self,
        id: u64,
        edit: impl FnOnce(&mut Customer),
    ) {
        let Some(slot) = self.slot(id) else { return };
        let Person::Customer(mut customer) = std::mem::replace(slot, Person::Gone) else {
            return;
        };
        self.unindex_customer(&customer);
        edit(&mut customer);
        self.index_customer(&customer);
        if let Some(slot) = self.slot(id) {
            *slot = Person::Customer(customer);
        }
    }

    /// Takes a customer out; a merged one leaves a pointer to where it went.
    pub(in crate::gorgias) fn remove_customer(&mut self, id: u64, into: Option<u64>) {
        let Some(slot) = self.slot(id) else { return };
        let left = into.map_or(Person::Gone, Person::Merged);
        if let Person::Customer(customer) = std::mem::replace(slot, left) {
            self.unindex_customer(&customer);
        }
    }

    /// Adds a user; the id is given here.
    pub(in crate::gorgias) fn add_user(&mut self, mut user: User) -> u64 {
        let id = self.next_id();
        user.id = id;
        self.index_user(&user);
        self.shelf.push(Person::User(Box::new(user)));
        id
    }

    /// Changes a user and keeps every index true.
    pub(in crate::gorgias) fn change_user(&mut self, id: u64, edit: impl FnOnce(&mut User)) {
        let Some(slot) = self.slot(id) else { return };
        let Person::User(mut user) = std::mem::replace(slot, Person::Gone) else {
            return;
        };
        self.unindex_user(&user);
        edit(&mut user);
        self.index_user(&user);
        if let Some(slot) = self.slot(id) {
            *slot = Person::User(user);
        }
    }

    /// Takes a user out.
    pub(in crate::gorgias) fn remove_user(&mut self, id: u64) {
        let Some(slot) = self.slot(id) else { return };
        if let Person::User(user) = std::mem::replace(slot, Person::Gone) {
            self.unindex_user(&user);
        }
    }

    fn slot(&mut self, id: u64) -> Option<&mut Person> {
        let position = usize::try_from(id.checked_sub(self.from)?).ok()?;
        self.shelf.get_mut(position)
    }

    fn index_customer(&mut self, customer: &Customer) {
        for email in emails(customer) {
            self.by_email.entry(email).or_insert(customer.id);
        }
        for channel in &customer.channels {
            let key = channel_key(&channel.kind, &channel.address);
            insert(self.by_channel.entry(key).or_default(), customer.id);
        }
        if let Some(external_id) = &customer.external_id {
            insert(self.by_external.entry(external_id.clone()).or_default(), customer.id);
        }
        self.customers_created.insert((customer.created.0, customer.id));
        self.customers_updated.insert((customer.updated.0, customer.id));
    }

    fn unindex_customer(&mut self, customer: &Customer) {
        for email in emails(customer) {
            if self.by_email.get(&email) == Some(&customer.id) {
                self.by_email.remove(&email);
            }
        }
        for channel in &customer.channels {
            drop_id(
                &mut self.by_channel,
                &channel_key(&channel.kind, &channel.address),
                customer.id,
            );
        }
        if let Some(external_id) = &customer.external_id {
            drop_id(&mut self.by_external, external_id, customer.id);
        }
        self.customers_created.remove(&(customer.created.0, customer.id));
        self.customers_updated.remove(&(customer.updated.0, customer.id));
    }

    fn index_user(&mut self, user: &User) {
        self.users_by_email.insert(user.email.to_lowercase(), user.id);
        if let Some(external_id) = &user.external_id {
            insert(self.users_by_external.entry(external_id.clone()).or_default(), user.id);
        }
        self.users_created.insert((user.created.0, user.id));
    }

    fn unindex_user(&mut self, user: &User) {
        self.users_by_email.remove(&user.email.to_lowercase());
        if let Some(external_id) = &user.external_id {
            drop_id(&mut self.users_by_external, external_id, user.id);
        }
        self.users_created.remove(&(user.created.0, user.id));
    }
}

/// First word and last word of a name, as the vendor derives them.
pub(in crate::gorgias) fn split_name(name: Option<&str>) -> (&str, &str) {
    let mut words = name.unwrap_or_default().split_whitespace();
    let first = words.next().unwrap_or_default();
    (first, words.next_back().unwrap_or_default())
}

/// Puts an id into a short ascending list.
pub(super) fn insert(ids: &mut Vec<u64>, id: u64) {
    if let Err(position) = ids.binary_search(&id) {
        ids.insert(position, id);
    }
}

/// Takes an id out of a list that an index keeps, and the list out of the index when it is empty.
pub(super) fn drop_id<K, Q>(index: &mut HashMap<K, Vec<u64>>, key: &Q, id: u64)
where
    K: std::borrow::Borrow<Q> + std::hash::Hash + Eq,
    Q: std::hash::Hash + Eq + ?Sized,
{
    if let Some(ids) = index.get_mut(key) {
        ids.retain(|kept| *kept != id);
        if ids.is_empty() {
            index.remove(key);
        }
    }
}

fn emails(customer: &Customer) -> impl Iterator<Item = String> {
    let channels = customer.channels.iter().filter(|channel| &*channel.kind == "email");
    let addresses = channels.map(|channel| &channel.address).chain(&customer.email);
    addresses.map(|address| address.to_lowercase()).collect::<BTreeSet<_>>().into_iter()
}

fn channel_key(kind: &str, address: &str) -> String {
    format!("{kind}\n{}", address.to_lowercase())
}
