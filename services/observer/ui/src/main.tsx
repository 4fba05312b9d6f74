// Starts the pages.
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "./design/tokens.css";
import "./design/base.css";
import "./design/parts.css";
import "./design/motion.css";
import "./features/shell/shell.css";
import "./features/flows/flows.css";
import "./features/services/services.css";
import "./features/flow/flow.css";
import "./features/flow/lines.css";
import "./features/flow/detail.css";
import { App } from "./app";

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
