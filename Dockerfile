# One static program in an image that holds nothing else but certificates.
#
#   docker build -t keyward .
#   docker run -p 8080:8080 -v keyward:/data -e KEYWARD_BASE_URL=https://licenses.example.com keyward
#
# A directory of the host in place of the volume has to belong to user 65532.

FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /keyward ./cmd/keyward && mkdir /data

FROM gcr.io/distroless/static:nonroot
COPY --from=build /keyward /keyward
COPY --from=build --chown=nonroot:nonroot --chmod=0700 /data /data
USER nonroot
ENV KEYWARD_DATA=/data KEYWARD_LISTEN=0.0.0.0:8080 KEYWARD_LOG_FORMAT=json
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["/keyward", "health"]
ENTRYPOINT ["/keyward"]
CMD ["serve"]
