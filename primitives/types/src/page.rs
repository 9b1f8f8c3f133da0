//! Lists that are too long for one answer: pages, and the cursor by which the next page is asked for.

use crate::{
    JobId,
    limits::{MAX_EXAMINED_JOBS, MAX_LISTED_JOBS},
};
use alloc::vec::Vec;
use codec::{Decode, Encode};
use scale_info::TypeInfo;

/// One page of a list that is kept by job.
///
/// The first page is asked for without a cursor, every other one with the `next` of the page before it, in the state of
/// the same block. Pages follow each other in the order of storage, which is not that of the jobs' numbers, so a reader
/// that wants an order sorts what it has read. Together they have every entry once.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct Page<Entry> {
    /// The entries. There may be none although more pages follow: an answer ends as well when it has examined
    /// [`MAX_EXAMINED_JOBS`] jobs.
    pub entries: Vec<(JobId, Entry)>,
    /// The job after which the next page begins; `None` on the last page.
    pub next: Option<JobId>,
}

impl<Entry> Page<Entry> {
    /// The first page of `list`, with those entries that `keep` accepts: at most `limit` of them, and at most
    /// [`MAX_LISTED_JOBS`]. A limit of zero is taken as one.
    pub fn of(
        list: impl Iterator<Item = (JobId, Entry)>,
        limit: u32,
        mut keep: impl FnMut(JobId, &Entry) -> bool,
    ) -> Self {
        let limit = limit.clamp(1, MAX_LISTED_JOBS) as usize;
        let mut list = list.peekable();
        let mut entries = Vec::new();
        let mut last = None;
        for (job, entry) in list.by_ref().take(MAX_EXAMINED_JOBS as usize) {
            last = Some(job);
            if keep(job, &entry) {
                entries.push((job, entry));
            }
            if entries.len() == limit {
                break;
            }
        }
        let next = last.filter(|_| list.peek().is_some());
        Self { entries, next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Entries of the jobs of this list after a job.
    fn after(jobs: &[JobId], cursor: Option<JobId>) -> impl Iterator<Item = (JobId, ())> {
        let from = cursor.map_or(0, |last| {
            1 + jobs.iter().position(|job| *job == last).expect("a cursor is a job")
        });
        jobs.iter().skip(from).map(|job| (*job, ()))
    }

    fn walk(jobs: &[JobId], limit: u32, keep: impl Fn(JobId) -> bool) -> (Vec<JobId>, usize) {
        let (mut read, mut pages, mut cursor) = (Vec::new(), 0, None);
        loop {
            let page = Page::of(after(jobs, cursor), limit, |job, ()| keep(job));
            assert!(page.entries.len() <= limit.max(1) as usize);
            read.extend(page.entries.iter().map(|(job, ())| *job));
            pages += 1;
            cursor = page.next;
            if cursor.is_none() {
                return (read, pages);
            }
        }
    }

    #[test]
    fn pages_of_any_length_have_every_entry_once_in_the_order_of_the_list() {
        // As storage has them: in no order of their numbers.
        let jobs: Vec<JobId> = (0..100).map(|job| job * 37 % 101).collect();
        for limit in [0, 1, 2, 7, 50, 100, 1_000] {
            assert_eq!(walk(&jobs, limit, |_| true).0, jobs);
            let odd: Vec<JobId> = jobs.iter().copied().filter(|job| job % 2 == 1).collect();
            assert_eq!(walk(&jobs, limit, |job| job % 2 == 1).0, odd);
        }
        assert_eq!(walk(&[], 10, |_| true), (Vec::new(), 1));
    }

    #[test]
    fn a_page_that_ends_with_the_list_is_the_last() {
        assert_eq!(walk(&[3, 1, 2], 3, |_| true).1, 1);
        assert_eq!(walk(&[3, 1, 2], 2, |_| true).1, 2);
    }

    #[test]
    fn an_answer_examines_a_bounded_number_of_jobs_and_lists_a_bounded_number() {
        let jobs: Vec<JobId> = (0..u64::from(MAX_EXAMINED_JOBS) + 1).collect();
        let last = *jobs.last().expect("there are some");
        let first = Page::of(after(&jobs, None), 10, |job, ()| job == last);
        assert_eq!((first.entries.len(), first.next), (0, Some(last - 1)));
        let second = Page::of(after(&jobs, first.next), 10, |job, ()| job == last);
        assert_eq!((second.entries, second.next), (alloc::vec![(last, ())], None));
        let most = Page::of(after(&jobs, None), u32::MAX, |_, ()| true);
        assert_eq!(most.entries.len(), MAX_LISTED_JOBS as usize);
    }
}
