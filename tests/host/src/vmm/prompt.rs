// SPDX-License-Identifier: GPL-2.0

//! The host's own prompt on the guest's console: a line of text in, some text out.

use std::io::{self, Write as _};
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};

/// What the prompt looks like.
const PROMPT: &str = "host> ";

const BACKSPACE: [u8; 2] = [8, 127];
const END_OF_FILE: u8 = 4;
const ERASE_LINE: u8 = 21;

/// Does what a line says, and returns what there is to say about it.
pub type Commands = Box<dyn FnMut(&str) -> String + Send>;

/// The thread that does what lines say, so that the keyboard is not held up.
pub(super) struct Prompt {
    lines: Option<Sender<String>>,
    thread: Option<JoinHandle<()>>,
    line: Line,
}

impl Prompt {
    /// Starts the thread.
    pub(super) fn start(mut commands: Commands) -> io::Result<Self> {
        let (sender, lines) = mpsc::channel::<String>();
        let thread = thread::Builder::new()
            .name("prompt".to_owned())
            .spawn(move || {
                for line in lines {
                    let said = commands(line.trim());
                    print(&format!("{}{PROMPT}", ended(said)));
                }
            })?;
        Ok(Self {
            lines: Some(sender),
            thread: Some(thread),
            line: Line::default(),
        })
    }

    /// Shows the prompt.
    pub(super) fn enter(&mut self) {
        self.line = Line::default();
        print(&format!("\n{PROMPT}"));
    }

    /// The person types `key`. Returns whether the prompt stays.
    pub(super) fn key(&mut self, key: u8) -> bool {
        let (echo, event) = self.line.key(key);
        print(&echo);
        match event {
            Event::Edited => {}
            Event::Leave => {
                print("\n");
                return false;
            }
            // The thread lives as long as the prompt.
            Event::Line(line) => drop(self.lines.as_ref().map(|lines| lines.send(line))),
        }
        true
    }
}

impl Drop for Prompt {
    fn drop(&mut self) {
        self.lines = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been reported by itself.
            thread.join().ok();
        }
    }
}

/// Text with a line feed at its end, unless there is none.
fn ended(mut text: String) -> String {
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

fn print(text: &str) {
    let mut output = io::stdout().lock();
    // Without a terminal nobody misses the prompt.
    let _ = output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush());
}

/// What came of a key.
#[derive(Debug, PartialEq, Eq)]
enum Event {
    Edited,
    Line(String),
    Leave,
}

/// The line that is being typed.
#[derive(Debug, Default)]
struct Line {
    bytes: Vec<u8>,
}

impl Line {
    /// The person types `key`: what to show, and what came of it.
    fn key(&mut self, key: u8) -> (String, Event) {
        match key {
            b'\r' | b'\n' => {
                let line = String::from_utf8_lossy(&std::mem::take(&mut self.bytes)).into_owned();
                ("\n".to_owned(), Event::Line(line))
            }
            END_OF_FILE if self.bytes.is_empty() => (String::new(), Event::Leave),
            ERASE_LINE => {
                let count = std::mem::take(&mut self.bytes).len();
                ("\x08 \x08".repeat(count), Event::Edited)
            }
            key if BACKSPACE.contains(&key) => match self.bytes.pop() {
                Some(_) => ("\x08 \x08".to_owned(), Event::Edited),
                None => (String::new(), Event::Edited),
            },
            b' '..=b'~' => {
                self.bytes.push(key);
                (char::from(key).to_string(), Event::Edited)
            }
            _ => (String::new(), Event::Edited),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &[u8]) -> Vec<Event> {
        let mut line = Line::default();
        keys.iter()
            .map(|&key| line.key(key).1)
            .filter(|event| *event != Event::Edited)
            .collect()
    }

    #[test]
    fn lines() {
        let line = |text: &str| Event::Line(text.to_owned());
        assert_eq!(typed(b"kvp\rx\n"), [line("kvp"), line("x")]);
        assert_eq!(typed(b"ab\x7f\x08\x08c\r"), [line("c")]);
        assert_eq!(typed(b"abc\x15\x1b\xffd\r"), [line("d")]);
        assert_eq!(typed(b"a\x04\r\x04"), [line("a"), Event::Leave]);
    }

    #[test]
    fn does_what_lines_say() {
        let (sender, lines) = mpsc::channel();
        let commands: Commands = Box::new(move |line| {
            sender.send(line.to_owned()).unwrap();
            String::new()
        });
        let mut prompt = Prompt::start(commands).unwrap();
        assert!(b" help \r".iter().all(|&key| prompt.key(key)));
        assert!(!prompt.key(END_OF_FILE));
        drop(prompt);
        assert_eq!(lines.iter().collect::<Vec<_>>(), ["help"]);
    }
}
