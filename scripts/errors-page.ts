/** Writes docs/errors.md from the error catalogue; a test of @nex/protocol compares the two. */
import { writeFile } from "node:fs/promises";
import { errorCatalogue, errorGroups, type NexErrorCode } from "@nex/protocol";

const INTRODUCTION = `# Error codes

Every failure in Nex carries one of these codes: in replies of the control API (\`code\`), in error replies to triggers, in \`--json\` output of the CLI, in events and logs. The message beside it says what happened this time, why, and what to do.

**Status** is the class of the error in HTTP's numbers; error replies carry it in the header \`Nats-Service-Error-Code\`. **Exit code** is what \`nex\` ends with: 1 failure, 2 usage, 3 not found, 4 timeout or nobody there, 5 not allowed.

This page is written from \`packages/protocol/src/error-catalogue.ts\` by \`scripts/errors-page.ts\`. Change the catalogue, then run the script.
`;

/** The page as it must be in `docs/errors.md`. */
export function renderErrorsPage(): string {
  const groups = errorGroups.map(({ title, codes }) => [`## ${title}\n`, ...codes.map(renderCode)].join("\n"));
  return [INTRODUCTION, ...groups].join("\n");
}

function renderCode(code: NexErrorCode): string {
  const { status, exit, when, remedy } = errorCatalogue[code];
  return [
    `### \`${code}\`\n`,
    `- Status ${status}, exit code ${exit}`,
    `- **When:** ${when}`,
    `- **What to do:** ${remedy}`,
    "",
  ].join("\n");
}

export const ERRORS_PAGE: URL = new URL("../docs/errors.md", import.meta.url);

if (import.meta.main) await writeFile(ERRORS_PAGE, renderErrorsPage());
