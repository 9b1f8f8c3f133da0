//! The door for applications.
