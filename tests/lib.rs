//! Whole-program tests and repository checks live in `program/`.
