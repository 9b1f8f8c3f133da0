//! Figures that the stories measure, printed at the end, however it comes.

use std::{fmt, time::Duration};

/// Names and values, in the order in which they came.
#[derive(Debug, Default)]
pub struct Figures(Vec<(String, String)>);

impl Figures {
    /// Notes a time.
    pub fn seconds(&mut self, what: &str, time: Duration) {
        self.note(what, format!("{:.1} s", time.as_secs_f64()));
    }

    /// Notes times, of which the median is shown with the extremes.
    pub fn spread(&mut self, what: &str, mut times: Vec<Duration>) {
        times.sort();
        if let (Some(least), Some(median), Some(most)) = (times.first(), times.get(times.len() / 2), times.last()) {
            let [least, median, most] = [least, median, most].map(Duration::as_secs_f64);
            self.note(
                what,
                format!("{median:.1} s ({least:.1} to {most:.1}, {} times)", times.len()),
            );
        }
    }

    /// Notes anything else.
    pub fn note(&mut self, what: &str, value: String) {
        self.0.push((what.to_owned(), value));
    }
}

impl Drop for Figures {
    fn drop(&mut self) {
        println!("\n{self}");
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.0.iter().map(|(what, _)| what.len()).max().unwrap_or_default();
        for (what, value) in &self.0 {
            writeln!(f, "  {what:width$}  {value}")?;
        }
        Ok(())
    }
}
