//! Outcomes of photos as rows.
