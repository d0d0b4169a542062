//! The places that documents turned out to have, learned while they are walked.
//!
//! Documents of one kind name their members in much the same order. A tree remembers which member
//! came after which, so that most names are recognized by comparing bytes once. It knows which
//! places a column list wants; what is done with their values is not its business.

use std::collections::HashMap;

use super::json_path;
use super::json_spec::{Kind, Node, Spec};

/// The place of what nobody wants.
pub(crate) const PASSED: usize = usize::MAX;
/// Places that a tree remembers at most: names that are really data must not fill the memory.
pub(crate) const PLACES_MAX: usize = 10_000;
/// Names of members nobody wants that one place remembers at most.
const PASSED_NAMES_MAX: usize = 256;
const NOBODY: usize = usize::MAX;

/// A column that takes its value from a place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target {
    /// Which column.
    pub(crate) column: usize,
    /// The rank of this alternative; 0 is the preferred one.
    pub(crate) rank: usize,
    /// What it takes.
    pub(crate) kind: Kind,
}

/// One place in documents.
#[derive(Debug, Default)]
pub(crate) struct Place {
    /// Columns that end here.
    pub(crate) targets: Vec<Target>,
    /// Its path, when shapes are wanted.
    pub(crate) path: String,
    /// Whether places inside it matter.
    pub(crate) has_inner: bool,
    wanted: Vec<(String, usize)>,
    elements: Vec<(usize, usize)>,
    any_element: Option<usize>,
    any_member: Option<usize>,
    members: Vec<Member>,
    names: HashMap<String, usize>,
    first: [usize; 2],
}

#[derive(Debug)]
struct Member {
    /// `"name":`, unless the name has letters that are escaped.
    spelled: Option<String>,
    place: usize,
    /// The members that came after it, the likelier one first.
    next: [usize; 2],
}

/// All places.
#[derive(Debug)]
pub(crate) struct Tree {
    places: Vec<Place>,
    maps: Option<Vec<String>>,
    places_max: usize,
    /// Whether a place was met that could not be remembered.
    pub(crate) is_full: bool,
}

impl Tree {
    /// The place of the whole document.
    pub(crate) const ROOT: usize = 0;

    /// The tree of a column list that has seen no document yet.
    pub(crate) fn new(spec: &Spec, places_max: usize) -> Self {
        let maps = spec.maps.as_ref();
        let maps = maps.map(|maps| maps.iter().map(|path| json_path::text_of(path)).collect());
        let mut tree = Self { places: Vec::new(), maps, places_max, is_full: false };
        tree.add(spec, &spec.root, "$".to_owned());
        tree
    }

    /// Whether the shape of documents is wanted.
    pub(crate) fn has_shape(&self) -> bool {
        self.maps.is_some()
    }

    /// Whether a document must be an object for any column to find something in it.
    pub(crate) fn wants_object(&self) -> bool {
        !self.places[Self::ROOT].wanted.is_empty()
    }

    /// One of them.
    pub(crate) fn place(&self, place: usize) -> &Place {
        &self.places[place]
    }

    /// The spelling of the members that may well come after `before`, each with its number and its
    /// place.
    #[inline]
    pub(crate) fn guesses(
        &self,
        place: usize,
        before: Option<usize>,
    ) -> impl Iterator<Item = (&str, usize, usize)> {
        let known = &self.places[place];
        let guesses = before.map_or(known.first, |before| known.members[before].next);
        guesses.into_iter().filter_map(|number| {
            let member = known.members.get(number)?;
            Some((member.spelled.as_deref()?, number, member.place))
        })
    }

    /// The number and the place of a member that no guess was right about; members of a map have no
    /// number.
    pub(crate) fn member(
        &mut self,
        place: usize,
        before: Option<usize>,
        name: &str,
    ) -> (Option<usize>, usize) {
        let known = &mut self.places[place];
        let Some(&number) = known.names.get(name) else {
            return self.new_member(place, before, name);
        };
        let inner = known.members[number].place;
        known.guess(before, number);
        (Some(number), inner)
    }

    fn new_member(
        &mut self,
        place: usize,
        before: Option<usize>,
        name: &str,
    ) -> (Option<usize>, usize) {
        let is_map = self.is_map(place);
        let known = &self.places[place];
        let wanted =
            known.wanted.iter().find(|(wanted, _)| wanted == name).map(|(_, inner)| *inner);
        let inner = match (wanted, &self.maps) {
            (Some(inner), _) => inner,
            (None, Some(_)) if is_map => return (None, self.any_member(place)),
            (None, Some(_)) => match self.room_for(json_path::of_member(&known.path, name)) {
                PASSED => return (None, PASSED),
                inner => inner,
            },
            (None, None) if known.members.len() >= PASSED_NAMES_MAX => return (None, PASSED),
            (None, None) => PASSED,
        };
        let is_plain = !name.contains(|letter: char| letter < ' ' || matches!(letter, '"' | '\\'));
        let spelled = is_plain.then(|| format!("\"{name}\":"));
        let known = &mut self.places[place];
        let number = known.members.len();
        known.members.push(Member { spelled, place: inner, next: [NOBODY; 2] });
        known.names.insert(name.to_owned(), number);
        known.guess(before, number);
        (Some(number), inner)
    }

    /// The place of an element.
    pub(crate) fn element(&mut self, place: usize, number: usize) -> usize {
        let known = &self.places[place];
        if let Some((_, inner)) = known.elements.iter().find(|(wanted, _)| *wanted == number) {
            return *inner;
        }
        if let Some(inner) = known.any_element {
            return inner;
        }
        if !self.has_shape() {
            return PASSED;
        }
        let inner = self.room_for(json_path::of_any_element(&known.path));
        self.places[place].any_element = (inner != PASSED).then_some(inner);
        inner
    }

    fn any_member(&mut self, place: usize) -> usize {
        let known = &self.places[place];
        if let Some(inner) = known.any_member {
            return inner;
        }
        let inner = self.room_for(json_path::of_any_member(&known.path));
        self.places[place].any_member = (inner != PASSED).then_some(inner);
        inner
    }

    fn is_map(&self, place: usize) -> bool {
        let path = &self.places[place].path;
        self.maps.as_ref().is_some_and(|maps| maps.contains(path))
    }

    /// A new place nobody wants but for the shape.
    fn room_for(&mut self, path: String) -> usize {
        if self.places.len() >= self.places_max {
            self.is_full = true;
            return PASSED;
        }
        self.places.push(Place { path, has_inner: true, first: [NOBODY; 2], ..Place::default() });
        self.places.len() - 1
    }

    /// The place of a node of the column list, and those of all nodes inside it.
    fn add(&mut self, spec: &Spec, node: &Node, path: String) -> usize {
        let target = |&(column, rank): &(usize, usize)| Target {
            column,
            rank,
            kind: spec.columns[column].kind,
        };
        let place = self.places.len();
        self.places.push(Place {
            targets: node.targets.iter().map(target).collect(),
            path: path.clone(),
            has_inner: self.has_shape() || !(node.members.is_empty() && node.elements.is_empty()),
            first: [NOBODY; 2],
            ..Place::default()
        });
        let is_map = self.is_map(place);
        for (name, inner) in &node.members {
            let path = match is_map {
                true => json_path::of_any_member(&path),
                false => json_path::of_member(&path, name),
            };
            let inner = self.add(spec, inner, path);
            self.places[place].wanted.push((name.clone(), inner));
        }
        for (number, inner) in &node.elements {
            let inner = self.add(spec, inner, json_path::of_any_element(&path));
            self.places[place].elements.push((*number, inner));
        }
        place
    }
}

impl Place {
    /// Notes that `number` came after `before`.
    fn guess(&mut self, before: Option<usize>, number: usize) {
        let guesses = match before {
            Some(before) => &mut self.members[before].next,
            None => &mut self.first,
        };
        *guesses = [number, guesses[0]];
    }
}
