use super::wire::{self, Answer, Report};
use super::*;

#[test]
fn what_to_reveal_is_read_from_a_text() {
    assert_eq!("none".parse::<Reveal>().unwrap(), Reveal::NONE);
    assert_eq!("input,output".parse::<Reveal>().unwrap(), Reveal::ENDS);
    assert_eq!("all".parse::<Reveal>().unwrap(), Reveal::ALL);
    let executed = "executed".parse::<Reveal>().unwrap();
    assert!(executed.executed && !executed.input && !executed.all);
    for text in ["", "everything", "input,none"] {
        assert!(text.parse::<Reveal>().is_err(), "{text}");
    }
}

#[test]
fn frames_that_are_cut_off_or_absurd_are_errors() {
    let mut bytes = Vec::new();
    let answer = Answer::Failed("reason".to_owned());
    let sent = Report::Done { answer, peak_bytes: None, held_bytes: None };
    wire::send(&mut bytes, &sent).unwrap();
    let back: Report = wire::receive(&mut bytes.as_slice()).unwrap();
    assert!(matches!(
        back,
        Report::Done { answer: Answer::Failed(reason), .. } if reason == "reason"
    ));
    for length in 0..bytes.len() {
        assert!(wire::receive::<Report>(&mut &bytes[..length]).is_err());
    }
    assert!(wire::receive::<Report>(&mut [0xff; 20].as_slice()).is_err());
}
