// The agent on this machine: requests over HTTP, everything that moves over one WebSocket.

export class Refused extends Error {
  constructor(problem) {
    super(problem.detail || problem.title || 'refused');
    this.key = (problem.type || '').replace('urn:countermark:problem:', '');
    this.line = problem.line;
  }
}

export async function call(method, path, body) {
  let answer;
  try {
    answer = await fetch(path, {
      method,
      headers: body === undefined ? {} : { 'Content-Type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Refused({ type: 'urn:countermark:problem:no_agent', detail: 'the agent does not answer' });
  }
  const content = answer.status === 204 ? null : await answer.json();
  if (!answer.ok) throw new Refused(content);
  return content;
}

// Calls `take` with every frame, and `connected` with true or false. Connects again for as long as the page is open.
export function listen(take, connected) {
  let pause = 200;
  function open() {
    const socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/v1/events`);
    socket.onopen = () => { pause = 200; connected(true); };
    socket.onmessage = (message) => take(JSON.parse(message.data));
    socket.onclose = () => {
      connected(false);
      setTimeout(open, pause);
      pause = Math.min(pause * 2, 3000);
    };
  }
  open();
}
