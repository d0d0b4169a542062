//! Models and checks of the user's own: a folder laid out like `sql/`, whose files are added to ours
//! or stand in their place.
//!
//! It reads files and knows where they lie; what they say is for others to judge.

use std::path::Path;

use kernel::{Fault, Result};

use super::{File, Layer, Models, Origin, place_of};

/// Folders inside each other; no layer is deeper.
const DEPTH_MAX: usize = 3;
/// Models in one folder.
const FILES_MAX: usize = 1_000;
/// Bytes of one model.
const FILE_BYTES_MAX: u64 = 1 << 20;

impl Models {
    /// These models with those of `folder`, which messages call `shown`. Only files that end in
    /// `.sql` are models; files and folders that begin with a dot are passed over.
    ///
    /// # Errors
    /// `FixConfig` when there is no such folder or no model in it, or when a file cannot be read,
    /// says nothing, or lies where no model belongs.
    pub fn with_folder(mut self, folder: &Path, shown: &str) -> Result<Self> {
        if !folder.is_dir() {
            return Err(Fault::config(format!("there is no folder {shown} of models"))
                .hint("[transform] models names a folder, from where deskferry.toml lies"));
        }
        let mut found = Vec::new();
        walk(folder, "", shown.trim_end_matches('/'), &mut found)?;
        if found.is_empty() {
            return Err(Fault::config(format!("there is no model in {shown}"))
                .hint("put files that end in .sql there, or leave [transform] models out"));
        }
        for (file, shown, sql) in found {
            place_of(&file, &shown)?;
            let origin = match self.files.get(&file).map(|before| before.origin) {
                Some(Origin::Ours | Origin::InPlace) => Origin::InPlace,
                Some(Origin::Added) | None => Origin::Added,
            };
            self.files.insert(file, File { sql, shown, origin });
        }
        Ok(self)
    }

    /// The models of the user's own: file below the folder, and whether ours stands back for it.
    pub fn own(&self) -> impl Iterator<Item = (&str, Origin)> {
        let own = self.files.iter().filter(|(_, found)| found.origin != Origin::Ours);
        own.map(|(file, found)| (file.as_str(), found.origin))
    }

    /// Which files of the user's, in place of ours, make tables that a statement names.
    pub(super) fn replaced_in(&self, sql: &str) -> Result<Vec<String>> {
        let mut shown = Vec::new();
        for (file, found) in &self.files {
            if found.origin != Origin::InPlace {
                continue;
            }
            let (layer, name) = place_of(file, &found.shown)?;
            let schemas: &[&str] = match layer {
                Layer::Source(_) => &["source", "readback"],
                Layer::AnySource => &["source"],
                Layer::Staged => &["staged"],
                Layer::Plan(_) => &["plan"],
                Layer::Reconcile => &["reconcile"],
                Layer::Check(_) => &[],
            };
            let names_it = |schema: &&str| super::line_of(sql, &format!("{schema}.{name}"));
            if schemas.iter().find_map(names_it).is_some() {
                shown.push(found.shown.clone());
            }
        }
        Ok(shown)
    }
}

/// Every model below `folder`: its name from where the search began, the name in messages, its text.
fn walk(
    folder: &Path,
    inside: &str,
    shown: &str,
    found: &mut Vec<(String, String, String)>,
) -> Result<()> {
    let here = format!("{shown}/{inside}");
    let unreadable = |error: std::io::Error| {
        let name = here.trim_end_matches('/');
        Fault::config(format!("{name} cannot be read")).because(error)
    };
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        if name.starts_with('.') {
            continue;
        }
        let file = format!("{inside}{name}");
        if path.is_dir() {
            if inside.matches('/').count() >= DEPTH_MAX {
                return Err(Fault::config(format!("{shown}/{file} lies too deep for a model")));
            }
            walk(&path, &format!("{file}/"), shown, found)?;
        } else if name.ends_with(".sql") {
            if found.len() == FILES_MAX {
                return Err(Fault::config(format!("{shown} holds more than {FILES_MAX} models")));
            }
            let sql = read(&path, &format!("{shown}/{file}"))?;
            found.push((file.clone(), format!("{shown}/{file}"), sql));
        }
    }
    Ok(())
}

fn read(path: &Path, shown: &str) -> Result<String> {
    let unreadable = |error: std::io::Error| {
        Fault::config(format!("{shown} cannot be read"))
            .hint("a model is a text in UTF-8 that this user may read")
            .because(error)
    };
    let bytes = std::fs::metadata(path).map_err(unreadable)?.len();
    if bytes > FILE_BYTES_MAX {
        return Err(Fault::config(format!("{shown} has {bytes} bytes, which no model needs"))
            .hint(format!("a model has at most {FILE_BYTES_MAX} bytes")));
    }
    let sql = std::fs::read_to_string(path).map_err(unreadable)?;
    if sql.trim().is_empty() {
        return Err(Fault::config(format!("{shown} is empty"))
            .hint("write one SELECT into it, or remove the file"));
    }
    Ok(sql)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(std::path::PathBuf);

    impl Folder {
        fn of(name: &str, files: &[(&str, &[u8])]) -> Self {
            let folder =
                std::env::temp_dir().join(format!("deskferry-own-{}-{name}", std::process::id()));
            for (file, text) in files {
                let path = folder.join(file);
                std::fs::create_dir_all(path.parent().expect("has one")).expect("can be made");
                std::fs::write(path, text).expect("can be written");
            }
            Self(folder)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn ours() -> Models {
        Models::from_files([
            ("2_staged/a.sql".to_owned(), "-- key: id\nselect 1 as id".to_owned()),
            ("2_staged/b.sql".to_owned(), "-- key: id\nselect id from staged.a".to_owned()),
        ])
    }

    #[test]
    fn files_of_a_folder_are_added_or_stand_in_place_of_ours() {
        let folder = Folder::of(
            "added",
            &[
                ("2_staged/a.sql", b"-- key: id\nselect 2 as id"),
                ("2_staged/a.slt", b"not a model"),
                ("checks/staged/c.sql", b"select id from staged.a"),
                (".git/2_staged/x.sql", b""),
                ("README.md", b"ours"),
            ],
        );
        let models = ours().with_folder(&folder.0, "own/").expect("is laid out well");
        let own: Vec<(&str, Origin)> = models.own().collect();
        assert_eq!(
            own,
            [("2_staged/a.sql", Origin::InPlace), ("checks/staged/c.sql", Origin::Added)]
        );
        let models = models.of(|_| true).expect("all have keys");
        let shown: Vec<&str> = models.iter().map(|model| model.shown.as_str()).collect();
        assert_eq!(shown, ["own/2_staged/a.sql", "sql/2_staged/b.sql", "own/checks/staged/c.sql"]);
        assert_eq!(models[0].sql, "-- key: id\nselect 2 as id");
        assert_eq!(models[1].leans_on, ["own/2_staged/a.sql"]);
    }

    #[test]
    fn a_folder_that_cannot_be_used_is_named_with_its_file() {
        let cases: [(&str, &[u8], &str); 6] = [
            ("2_staged/a.sql", b" \n", "own/2_staged/a.sql is empty"),
            ("2_staged/a.sql", b"\xff", "own/2_staged/a.sql cannot be read"),
            ("a.sql", b"select 1", "own/a.sql belongs to no layer"),
            ("checks/stage/a.sql", b"select 1", "own/checks/stage/a.sql belongs to no layer"),
            ("2_staged/A b.sql", b"select 1", "own/2_staged/A b.sql has a name that no table"),
            ("1/2/3/4/5/a.sql", b"select 1", "lies too deep"),
        ];
        for (place, (file, text, part)) in cases.into_iter().enumerate() {
            let folder = Folder::of(&place.to_string(), &[(file, text)]);
            let fault = ours().with_folder(&folder.0, "own").expect_err(file);
            assert!(fault.to_string().contains(part), "{fault}");
        }
        let folder = Folder::of("none", &[("README.md", b"no model")]);
        let fault = ours().with_folder(&folder.0, "own").expect_err("no model");
        assert!(fault.to_string().contains("there is no model in own"), "{fault}");
        let fault = ours().with_folder(&folder.0.join("gone"), "own").expect_err("no folder");
        assert!(fault.to_string().contains("there is no folder own"), "{fault}");
    }
}
