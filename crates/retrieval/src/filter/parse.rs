//! From a filter's words to its tree, within limits of length, depth and number.

use super::lexer::{Token, tokens};
use super::{
    BYTES_MAX, Comparison, DEPTH_MAX, FilterError, FilterFault, FilterValue, Node, Operation,
    Position, TESTS_MAX, Test, VALUES_MAX,
};

pub(super) fn parse(text: &str) -> Result<Node, FilterError> {
    if text.len() > BYTES_MAX {
        return Err(FilterError { at: 1, fault: FilterFault::TooLong(text.len()) });
    }
    let mut parser = Parser { tokens: tokens(text)?, next: 0, tests: 0 };
    let node = parser.either(0)?;
    match parser.peek() {
        Token::End => Ok(node),
        _ => Err(parser.expected("and, or, or the end")),
    }
}

struct Parser {
    tokens: Vec<(Token, usize)>,
    next: usize,
    tests: usize,
}

impl Parser {
    fn peek(&self) -> &Token {
        &self.tokens[self.next].0
    }

    fn take(&mut self) -> (Token, usize) {
        let taken = self.tokens[self.next].clone();
        // The end stays where it is.
        self.next = (self.next + 1).min(self.tokens.len() - 1);
        taken
    }

    fn is_sign(&self, sign: &str) -> bool {
        matches!(self.peek(), Token::Sign(found) if found == sign)
    }

    fn fault<T>(&self, fault: FilterFault) -> Result<T, FilterError> {
        Err(FilterError { at: self.tokens[self.next].1, fault })
    }

    fn expected(&self, expected: &'static str) -> FilterError {
        let fault = FilterFault::Expected { expected, found: self.peek().found() };
        FilterError { at: self.tokens[self.next].1, fault }
    }

    fn require_sign(&mut self, sign: &str, expected: &'static str) -> Result<(), FilterError> {
        if !self.is_sign(sign) {
            return Err(self.expected(expected));
        }
        self.take();
        Ok(())
    }

    fn either(&mut self, depth: usize) -> Result<Node, FilterError> {
        let first = self.both(depth)?;
        let mut parts = vec![first];
        while self.peek().is("or") {
            self.take();
            parts.push(self.both(depth)?);
        }
        Ok(if parts.len() == 1 { parts.swap_remove(0) } else { Node::Any(parts) })
    }

    fn both(&mut self, depth: usize) -> Result<Node, FilterError> {
        let first = self.one(depth)?;
        let mut parts = vec![first];
        while self.peek().is("and") {
            self.take();
            parts.push(self.one(depth)?);
        }
        Ok(if parts.len() == 1 { parts.swap_remove(0) } else { Node::All(parts) })
    }

    fn one(&mut self, depth: usize) -> Result<Node, FilterError> {
        let is_negated = self.peek().is("not");
        if !is_negated && !self.is_sign("(") {
            return self.test().map(Node::Test);
        }
        if depth == DEPTH_MAX {
            return self.fault(FilterFault::TooDeep);
        }
        self.take();
        if is_negated {
            return Ok(Node::Not(Box::new(self.one(depth + 1)?)));
        }
        let node = self.either(depth + 1)?;
        self.require_sign(")", "and, or, or )")?;
        Ok(node)
    }

    fn test(&mut self) -> Result<Test, FilterError> {
        const FIELD: &str = "a field, not, or (";
        let field = match self.peek() {
            Token::Word(word)
                if !["and", "or", "in", "any"].iter().any(|own| self.peek().is(own)) =>
            {
                word.clone()
            }
            Token::Name(name) => name.clone(),
            _ => return Err(self.expected(FIELD)),
        };
        if self.tests == TESTS_MAX {
            return self.fault(FilterFault::TooManyTests);
        }
        self.tests += 1;
        let (_, at) = self.take();
        let operation = self.operation()?;
        Ok(Test { field, at: Position(at), operation })
    }

    fn operation(&mut self) -> Result<Operation, FilterError> {
        if self.peek().is("in") || self.peek().is("any") {
            self.take();
            return self.values().map(Operation::In);
        }
        let comparison = match self.peek() {
            Token::Sign(sign) => match sign.as_str() {
                "=" => Comparison::Equal,
                "!=" => Comparison::Unequal,
                "<" => Comparison::Less,
                "<=" => Comparison::AtMost,
                ">" => Comparison::Greater,
                ">=" => Comparison::AtLeast,
                _ => return self.fault(FilterFault::Operator(sign.clone())),
            },
            Token::Word(word) => return self.fault(FilterFault::Operator(word.clone())),
            _ => return Err(self.expected("an operator: = != < <= > >= in any")),
        };
        self.take();
        Ok(Operation::Compare(comparison, self.value()?))
    }

    fn values(&mut self) -> Result<Vec<FilterValue>, FilterError> {
        self.require_sign("[", "[ and the values")?;
        let mut values = vec![self.value()?];
        while self.is_sign(",") {
            self.take();
            if values.len() == VALUES_MAX {
                return self.fault(FilterFault::TooManyValues);
            }
            values.push(self.value()?);
        }
        self.require_sign("]", ", or ]")?;
        Ok(values)
    }

    fn value(&mut self) -> Result<FilterValue, FilterError> {
        let value = match self.peek() {
            Token::Text(text) => FilterValue::Text(text.clone()),
            Token::Number(number) => FilterValue::Number(*number),
            _ => return Err(self.expected("a text in quotes or a number")),
        };
        self.take();
        Ok(value)
    }
}
