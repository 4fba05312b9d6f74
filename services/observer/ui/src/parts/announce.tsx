// Tells screen readers of changed counts, at most every 5 s: a busy stream must not talk all the time.
import { useEffect, useRef, useState } from "react";

const EVERY_MS = 5000;

export function Announce({ words }: { words: string }) {
  const [said, setSaid] = useState("");
  const last = useRef(0);
  useEffect(() => {
    if (words === said) return;
    const wait = Math.max(0, last.current + EVERY_MS - Date.now());
    const timer = setTimeout(() => {
      last.current = Date.now();
      setSaid(words);
    }, wait);
    return () => clearTimeout(timer);
  }, [words, said]);
  return (
    <div className="unseen" aria-live="polite">
      {said}
    </div>
  );
}
