//! From the text of a filter to its words, each with its place.

use super::{FilterError, FilterFault};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A plain word: a field or one of the language's own.
    Word(String),
    /// A field in backticks.
    Name(String),
    Text(String),
    Number(f64),
    /// Brackets, commas and operators.
    Sign(String),
    End,
}

impl Token {
    /// How an error names it.
    pub(super) fn found(&self) -> String {
        match self {
            Token::Word(word) | Token::Sign(word) => format!("{word:?}"),
            Token::Name(name) => format!("`{name}`"),
            Token::Text(text) => format!("the text {text:?}"),
            Token::Number(number) => format!("the number {number}"),
            Token::End => "the end".to_owned(),
        }
    }

    /// Whether it is this word of the language, in small or capital letters.
    pub(super) fn is(&self, word: &str) -> bool {
        matches!(self, Token::Word(found) if found.eq_ignore_ascii_case(word))
    }
}

const WORDS: [&str; 5] = ["and", "or", "not", "in", "any"];

/// Whether a field may stand without backticks.
pub(super) fn is_plain_word(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(is_in_word)
        && !WORDS.iter().any(|word| word.eq_ignore_ascii_case(name))
}

fn is_in_word(one: char) -> bool {
    one.is_ascii_alphanumeric() || one == '_' || one == '.'
}

/// All words with the place of each, in characters from 1; the last is [`Token::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<(Token, usize)>, FilterError> {
    let mut lexer = Lexer { rest: text, at: 1 };
    let mut tokens = Vec::new();
    loop {
        lexer.take_while(char::is_whitespace);
        let at = lexer.at;
        let token = lexer.token().map_err(|fault| FilterError { at, fault })?;
        let is_end = token == Token::End;
        tokens.push((token, at));
        if is_end {
            return Ok(tokens);
        }
    }
}

struct Lexer<'a> {
    rest: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.rest = &self.rest[next.len_utf8()..];
        self.at += 1;
        Some(next)
    }

    fn take_while(&mut self, test: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|one| !test(one)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        self.at += taken.chars().count();
        taken
    }

    fn token(&mut self) -> Result<Token, FilterFault> {
        let Some(first) = self.peek() else {
            return Ok(Token::End);
        };
        match first {
            '"' => self.quoted('"').map(Token::Text),
            '`' => self.quoted('`').map(Token::Name),
            '(' | ')' | '[' | ']' | ',' => {
                self.next();
                Ok(Token::Sign(first.to_string()))
            }
            '=' | '!' | '<' | '>' | '~' | '&' | '|' => {
                let sign = self.take_while(|one| "=!<>~&|".contains(one));
                Ok(Token::Sign(sign.to_owned()))
            }
            '-' | '0'..='9' => self.number(),
            _ if first.is_ascii_alphabetic() || first == '_' => {
                Ok(Token::Word(self.take_while(is_in_word).to_owned()))
            }
            _ => Err(FilterFault::Character(first)),
        }
    }

    /// Reads past digits, a point and an exponent, whose sign belongs to the number.
    fn number(&mut self) -> Result<Token, FilterFault> {
        let mut last = ' ';
        let end = self.rest.char_indices().find(|(at, one)| {
            let is_sign = matches!(one, '-' | '+') && (*at == 0 || matches!(last, 'e' | 'E'));
            last = *one;
            !(is_in_word(*one) || is_sign)
        });
        let end = end.map_or(self.rest.len(), |(at, _)| at);
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        self.at += end;
        match text.parse::<f64>() {
            // Minus zero is zero.
            Ok(number) if number.is_finite() => Ok(Token::Number(number + 0.0)),
            _ => Err(FilterFault::Number(text.to_owned())),
        }
    }

    fn quoted(&mut self, quote: char) -> Result<String, FilterFault> {
        self.next();
        let mut text = String::new();
        loop {
            match self.next() {
                None => return Err(FilterFault::Unterminated),
                Some(one) if one == quote => return Ok(text),
                Some('\\') if quote == '"' => match self.next() {
                    Some(one @ ('"' | '\\')) => text.push(one),
                    _ => return Err(FilterFault::Escape),
                },
                Some(one) => text.push(one),
            }
        }
    }
}
