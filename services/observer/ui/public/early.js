// Asks for the flow that the address names before the pages themselves are there: both take their time, and
// neither needs the other. `src/api/client.ts` takes the answer up.
{
  const id = /^\/flows\/([^/]+)$/.exec(location.pathname)?.[1];
  if (id !== undefined) {
    const path = `/api/flows/${id}?limit=200`;
    const answer = fetch(path, {
      headers: { accept: "application/json" },
      signal: AbortSignal.timeout(15_000),
    });
    // Whoever takes it up hears of it.
    answer.catch(() => {});
    globalThis.quadrilleEarly = { path, answer };
  }
}
