#!/usr/bin/env bash
# A small school in a new library: one organisation, two departments, three courses, ten people, and
# a month of watching. Run it in an empty folder.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"

vidctl init
vidctl groups add harbour-school
vidctl groups add harbour-school/science
vidctl groups add harbour-school/arts

# People of the organisation have their role in every department; teachers only in their own.
vidctl -g harbour-school people add "Head" --type creator --role org_owner
for number in 1 2 3 4 5 6; do
  vidctl -g harbour-school people add "Student $number" --role org_user
done
vidctl -g harbour-school/science people add "Science Teacher" --type creator
vidctl -g harbour-school/arts people add "Arts Teacher" --type creator
vidctl -g harbour-school/science people add "Guest" --role customer

# Science: two courses of films. Whoever adds something is its author.
export VIDCTL_GROUP=harbour-school/science VIDCTL_AS=science-teacher
vidctl videos add --title "Why There Are Two Tides" --duration 8:20 --tag tides --publish
vidctl videos add --title "Spring and Neap" --duration 6:40 --tag tides --publish
vidctl videos add --title "Reading a Tide Table" --duration 10:00 --tag tides --publish
vidctl videos add --title "Parts of a Boat" --duration 5:00 --tag boats --publish
vidctl videos add --title "Knots That Hold" --duration 7:30 --tag boats --publish
vidctl transcribe why-there-are-two-tides --captions "$here/two-tides.vtt"
vidctl index

vidctl courses add "Tides" --level beginner --instructor science-teacher --hours 1
vidctl lessons add "Two bulges" --course tides --video why-there-are-two-tides --section "The sea"
vidctl lessons add "The moon's month" --course tides --video spring-and-neap --section "The sea"
vidctl lessons add "Using the table" --course tides --video reading-a-tide-table --section "The harbour"
vidctl lessons add "Plan a crossing" --course tides --type text --section "The harbour" \
  --body "Find the next high water and work backwards."
vidctl courses add "Small Boats" --level beginner --instructor science-teacher --hours 1
vidctl lessons add "What is what" --course small-boats --video parts-of-a-boat
vidctl lessons add "Tie it" --course small-boats --video knots-that-hold
vidctl courses publish tides small-boats

# Arts: one course and a playlist.
export VIDCTL_GROUP=harbour-school/arts VIDCTL_AS=arts-teacher
vidctl videos add --title "Seeing Edges" --duration 9:00 --tag drawing --publish
vidctl videos add --title "Light and Shade" --duration 11:00 --tag drawing --publish
vidctl courses add "Drawing" --level beginner --instructor arts-teacher --hours 0.5
vidctl lessons add "Edges" --course drawing --video seeing-edges
vidctl lessons add "Shade" --course drawing --video light-and-shade
vidctl courses publish drawing
vidctl playlists add "First Evening"
vidctl playlists add-item first-evening light-and-shade seeing-edges
vidctl playlists move first-evening seeing-edges --to 1

# Who takes part. The guest has bought one course and sees nothing else.
export VIDCTL_AS=head
vidctl -g harbour-school/science courses enrol tides --group-members harbour-school/science
vidctl -g harbour-school/science courses enrol small-boats student-1 student-2 student-3
vidctl -g harbour-school/science people grant guest tides
vidctl -g harbour-school/arts courses enrol drawing student-4 student-5 student-6

# What they watched in January 2025, as a player reports it: one JSON object a line.
python3 "$here/month.py" science | vidctl -g harbour-school/science progress watch -
python3 "$here/month.py" arts | vidctl -g harbour-school/arts progress watch -
vidctl -g harbour-school/science progress done plan-a-crossing --person student-1
