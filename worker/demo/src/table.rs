//! The live table: one cell for each job, redrawn in place on a terminal, plain lines elsewhere.

use assay_client::{
    chain::AccountId,
    request::tracker::{Story, Tracker},
    units,
};
use assay_types::{JobId, Phase};
use std::{
    collections::BTreeMap,
    io::{IsTerminal, Write},
    process::{Command, Stdio},
};

/// Characters of a cell, the gap to the next one included.
const CELL: usize = 46;

/// Names of accounts, for people.
pub(super) type Names = BTreeMap<AccountId, &'static str>;

/// A table that is being drawn.
pub(super) struct Table {
    names: Names,
    /// Rows and columns of the terminal; `None` where the output is not one.
    terminal: Option<(usize, usize)>,
    /// Lines drawn, to be drawn over.
    drawn: usize,
    /// Line that was printed last of each job, where the output is not a terminal.
    printed: BTreeMap<JobId, String>,
}

impl Table {
    pub(super) fn new(names: Names) -> Self {
        let terminal = std::io::stdout()
            .is_terminal()
            .then(|| terminal_size().unwrap_or((24, 80)));
        Self {
            names,
            terminal,
            drawn: 0,
            printed: BTreeMap::new(),
        }
    }

    /// Shows where the jobs stand.
    pub(super) fn show(&mut self, block: u32, seconds: u64, tracker: &Tracker) {
        match self.terminal {
            Some(size) => self.draw(size, block, seconds, tracker),
            None => self.print_changes(tracker),
        }
    }

    fn draw(&mut self, (rows, columns): (usize, usize), block: u32, seconds: u64, tracker: &Tracker) {
        let cells: Vec<String> = tracker.stories().map(|(job, story)| self.cell(job, story)).collect();
        let across = (columns / CELL).max(1);
        let down = cells.len().div_ceil(across);
        let mut lines = vec![
            format!("block {block}, {seconds} s    {}", counts(tracker)),
            header(across.min(cells.len())),
        ];
        // A terminal that is too small shows the jobs that changed last: those with the highest numbers.
        let room = rows.saturating_sub(4).max(1);
        for line in down.saturating_sub(room)..down {
            let row = (0..across).filter_map(|column| cells.get(column * down + line));
            lines.push(row.map(|cell| format!("{cell:<CELL$}")).collect());
        }
        let mut text = String::new();
        if self.drawn > 0 {
            text.push_str(&format!("\x1b[{}A", self.drawn));
        }
        for line in &lines {
            let line: String = line.chars().take(columns.saturating_sub(1)).collect();
            text.push_str(&format!("\x1b[2K{}\n", line.trim_end()));
        }
        for _ in lines.len()..self.drawn {
            text.push_str("\x1b[2K\n");
        }
        self.drawn = self.drawn.max(lines.len());
        let mut stdout = std::io::stdout().lock();
        // A closed output is no reason to fail.
        let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    }

    fn print_changes(&mut self, tracker: &Tracker) {
        for (job, story) in tracker.stories() {
            let cell = self.cell(job, story);
            if self.printed.get(&job) != Some(&cell) {
                println!("{cell}");
                self.printed.insert(job, cell);
            }
        }
    }

    fn cell(&self, job: JobId, story: &Story) -> String {
        let worker = story
            .worker
            .as_ref()
            .map_or("-", |worker| self.names.get(worker).copied().unwrap_or("?"));
        let price = story.price.map_or("-".into(), units::short);
        let state = match story.phase {
            Phase::Bidding if story.bids > 0 => format!("{} bids", story.bids),
            phase => format!("{phase:?}").to_lowercase(),
        };
        format!(
            "{job:>4} {:<8}{worker:<8}{price:>7} {:>5}  {state}",
            story.matched(),
            story.changed_at
        )
    }
}

fn header(across: usize) -> String {
    let cell = format!(
        "{:>4} {:<8}{:<8}{:>7} {:>5}  {}",
        "job", "matched", "worker", "price", "block", "state"
    );
    format!("{cell:<CELL$}").repeat(across.max(1))
}

/// Number of jobs in each phase.
fn counts(tracker: &Tracker) -> String {
    let mut counts: BTreeMap<u8, (Phase, usize)> = BTreeMap::new();
    for (_, story) in tracker.stories() {
        counts.entry(story.phase as u8).or_insert((story.phase, 0)).1 += 1;
    }
    let parts = counts
        .values()
        .map(|(phase, count)| format!("{count} {}", format!("{phase:?}").to_lowercase()));
    parts.collect::<Vec<_>>().join(", ")
}

/// Rows and columns, as `stty` says.
fn terminal_size() -> Option<(usize, usize)> {
    let output = Command::new("stty")
        .arg("size")
        .stdin(Stdio::inherit())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (rows, columns) = text.trim().split_once(' ')?;
    Some((
        rows.parse().ok().filter(|rows| *rows > 0)?,
        columns.parse().ok().filter(|columns| *columns > 0)?,
    ))
}
